import { setTimeout as wait } from 'node:timers/promises'
import type { Logger } from 'pino'
import type { Config } from '../config/config.js'
import { openLineageEvent, type OpenLineageRunEvent, type RunChange } from '../domain/lineage/open-lineage.js'
import { reasonOf } from '../domain/runs/reason.js'
import { EventRefused, type LineageEventStore } from '../stores/postgres/lineage-event-store.js'

export interface LineageEventPorts {
  readonly events: Pick<LineageEventStore, 'relay' | 'forget'>
  readonly receiver: Config['lineage']
  /** Of MLForge. */
  readonly release: string
  readonly logger: Logger
}

const IDLE_MS = 1_000
const DEADLINE_MS = 10_000
const FORGET_EVERY_MS = 3_600_000
/** What says that the event is wrong, not the time or the caller. */
const REFUSALS = [400, 413, 415, 422]

/** Sends what the receiver of lineage is owed, until told to stop. What fails is tried again. */
export async function relayLineage(
  { events, receiver, release, logger }: LineageEventPorts,
  stop: AbortSignal,
): Promise<void> {
  const { namespace, url } = receiver
  const send = async (change: RunChange) => {
    try {
      await post(receiver, openLineageEvent(change, { namespace, release }), stop)
    } catch (error) {
      const { runId, type } = change
      logger.warn({ runId, type, error: reasonOf(error) }, 'an event of lineage was not taken')
      throw error
    }
  }
  for (let forgotten = -Infinity; !stop.aborted;) {
    let isIdle = true
    try {
      if (performance.now() - forgotten > FORGET_EVERY_MS) {
        await events.forget(url !== '')
        forgotten = performance.now()
      }
      if (url !== '') isIdle = !(await events.relay(send))
    } catch (error) {
      logger.warn({ error: reasonOf(error) }, 'events of lineage could not be read; trying again')
    }
    if (isIdle) await wait(IDLE_MS, undefined, { signal: stop }).catch(() => undefined)
  }
}

async function post(
  { url, apiKey }: Config['lineage'],
  event: OpenLineageRunEvent,
  stop: AbortSignal,
): Promise<void> {
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'idempotency-key': `${event.run.runId}/${event.eventType}`,
      ...(apiKey !== '' && { authorization: `Bearer ${apiKey}` }),
    },
    body: JSON.stringify(event),
    // Followed, it would become a GET.
    redirect: 'manual',
    signal: AbortSignal.any([AbortSignal.timeout(DEADLINE_MS), stop]),
  })
  const answer = await response.text()
  if (response.ok) return
  const message = `${new URL(url).host} answered ${response.status}: ${answer.slice(0, 500)}`
  throw REFUSALS.includes(response.status) ? new EventRefused(message) : new Error(message)
}
