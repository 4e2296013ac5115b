import { Context } from '@temporalio/activity'
import type {
  DriftRequest,
  DueWindows,
  TakenChecks,
  TakeOnChecksInput,
} from '../contracts/temporal/monitoring.js'
import { canonicalJson, type Json } from '../domain/canonical-json.js'
import type { MonitoringPolicy } from '../domain/drift/monitoring-policy.js'
import { isAssessedByItself, stateOf, windowBasis } from '../domain/drift/window-basis.js'
import { previousWindow, type TimeWindow, windowContaining } from '../domain/drift/windows.js'
import type { RetryPolicy } from '../domain/runs/retry-policy.js'
import { isRetryable } from '../domain/runs/run-status.js'
import { windowContents } from '../stores/duckdb/predictions-contents.js'
import { derivedId, sha256Hex } from '../stores/ids.js'
import type { Deployment } from '../stores/postgres/entities/deployment.js'
import type { PendingWindow } from '../stores/postgres/entities/drift.js'
import type { PredictionFile } from '../stores/postgres/entities/prediction.js'
import { droppedIn, gapsOf, localSource, policyOf } from './drift-window.js'
import { beatWhile } from './heartbeats.js'
import type { Ports } from './ports.js'
import { withScratch } from './scratch.js'

type DuePorts = Pick<
  Ports,
  'runs' | 'deployments' | 'predictions' | 'labels' | 'drift' | 'schedules' | 'objects' | 'limits' | 'scratch'
> & {
  readonly retryPolicy: RetryPolicy
}

type Watched = Deployment & { readonly monitoring: MonitoringPolicy }

interface DueWindow extends DriftRequest {
  /** Of the check: the same window with the same content is the same run. */
  readonly runId: string
}

/** Checks that one tick takes on for a deployment, the oldest windows first; the next tick goes on. */
const CHECKS_A_TICK = 4

/** A deployment with event times from long ago must not be cut into windows without end. */
const MOST_WINDOWS = 1_000

/** The schedule's part of watching: which windows have something new to say. */
export function dueActivities({ retryPolicy, ...ports }: DuePorts) {
  const { runs, deployments, drift, schedules } = ports

  const accept = (project: string, name: string, by: string, { runId, ...request }: DueWindow) => {
    const { codes, maxAttempts, delaySeconds } = retryPolicy
    return runs.accept({
      id: runId,
      project,
      kind: 'drift',
      name,
      request,
      principal: `schedule:${by}`,
      trigger: 'schedule',
      retryPolicy: { codes, maxAttempts, delaySeconds },
    })
  }

  /** Changes with policy, rows and labels. To be read before rows and labels are. */
  const inputsOf = async ({ id, monitoring }: Watched) =>
    sha256Hex(canonicalJson({ inputs: await drift.inputs(id), monitoring } as unknown as Json))

  /** Windows that were taken on; all of a deployment's, or the first few. */
  const lookAt = async (project: string, deployment: Watched): Promise<string[]> => {
    const { id, name } = deployment
    // Read before rows and labels are: what comes in meanwhile is looked at by the next tick.
    const seen = await inputsOf(deployment)
    if ((await drift.look(id))?.seen === seen) return []
    const { due, pending } = await withScratch(ports.scratch, directory =>
      dueWindows(ports, project, deployment, directory),
    )
    const accepted: string[] = []
    for (const window of due) {
      if (accepted.length === CHECKS_A_TICK) return accepted
      const { replayed } = await accept(project, name, 'monitoring', window)
      if (!replayed) accepted.push(window.windowId)
    }
    await drift.saveLook(id, seen, pending)
    return accepted
  }

  return {
    /**
     * Takes on a check for each window that is due: those that could be assessed and have not been with
     * the rows, labels and policy of now. After an outage that is every window missed. A deployment that a
     * schedule of its own checks is left to that while it is not paused: it says when, and hears of failures.
     */
    async checkDueWindows({ project }: { project: string }): Promise<DueWindows> {
      return beatWhile('looking for due windows', async () => {
        const watched = await drift.watched(project)
        const elsewhere = await schedules.checkedDeployments(project)
        const accepted: string[] = []
        for (const deployment of watched.filter(({ name }) => !elsewhere.has(name))) {
          const windows = await lookAt(project, deployment)
          accepted.push(...windows.map(window => `${deployment.name} ${window}`))
        }
        return { watched: watched.length, accepted }
      })
    },

    /**
     * Takes on the next few checks of the deployment that a schedule names, all missed windows in their
     * turn. Each is the run that any schedule would take on for the same content: one that goes on already
     * is joined, one that failed is started again.
     */
    async takeOnChecks({ project, schedule, after }: TakeOnChecksInput): Promise<TakenChecks> {
      return beatWhile('looking for due windows', async () => {
        const { deployment: of } = await schedules.get(project, schedule)
        const deployment = await deployments.get(project, of!)
        const watched: Watched = { ...deployment, monitoring: policyOf(deployment) }
        const { id, name } = watched
        const seen = await inputsOf(watched)
        const { due, pending } = await withScratch(ports.scratch, directory =>
          dueWindows(ports, project, watched, directory),
        )
        // While a window is due, behind this tick or because it failed, whoever looks next looks again.
        await drift.saveLook(id, due.length === 0 ? seen : '', pending)
        const taken = due.filter(({ start }) => after === null || start > after).slice(0, CHECKS_A_TICK)
        for (const window of taken) {
          const { run } = await accept(project, name, schedule, window)
          if (isRetryable(run.status) && run.nextAttemptAt === null) {
            await runs.retry(project, run.id, { attempt: run.attempt })
          }
        }
        return {
          deployment: name,
          windows: taken.map(({ windowId }) => windowId),
          runIds: taken.map(({ runId }) => runId),
          after: taken.at(-1)?.start ?? after,
          limits: ports.limits,
        }
      })
    },
  }
}

export type DueActivities = ReturnType<typeof dueActivities>

async function dueWindows(
  ports: Pick<Ports, 'predictions' | 'labels' | 'drift' | 'objects'>,
  project: string,
  { id, monitoring: policy }: Watched,
  directory: string,
): Promise<{ due: DueWindow[]; pending: PendingWindow[] }> {
  const files = await ports.predictions.files(id)
  const windows = windowsOf(policy, files)
  if (windows.length === 0) return { due: [], pending: [] }
  const { cancellationSignal: signal } = Context.current()
  const source = await localSource(ports, id, files, { directory, signal })
  const contents = await windowContents(source, windows, { temporaryDirectory: directory, signal })
  const { until } = await ports.predictions.summary(project, id)
  const latest = new Map((await ports.drift.latest(id)).map(each => [each.windowId, each]))
  const due: DueWindow[] = []
  const pending: PendingWindow[] = []
  windows.forEach((window, at) => {
    const content = { ...contents[at]!, dropped: droppedIn(gapsOf(files, window)) }
    const { state, reason } = stateOf(window, content, until?.getTime() ?? null, policy)
    if (!isAssessedByItself(state)) {
      pending.push({ ...window, state, reason })
      return
    }
    const fingerprint = sha256Hex(windowBasis(window, content, state, policy))
    const known = latest.get(window.id)
    if (known?.fingerprint === fingerprint) return
    // With the revision: labels that are corrected there and back are looked at each time.
    const runId = derivedId(id, window.id, fingerprint, String(known?.revision ?? 0))
    due.push({ runId, windowId: window.id, start: window.start, end: window.end })
  })
  return { due, pending }
}

/** Windows that share a moment with what was ingested, oldest first; the newest ones where they are too many. */
function windowsOf(
  { window: spec }: MonitoringPolicy,
  files: readonly Pick<PredictionFile, 'minEventTime' | 'maxEventTime'>[],
): TimeWindow[] {
  if (files.length === 0) return []
  const first = Math.min(...files.map(file => file.minEventTime.getTime()))
  const last = Math.max(...files.map(file => file.maxEventTime.getTime()))
  const windows = [windowContaining(spec, last)]
  while (windows[0]!.start > first && windows.length < MOST_WINDOWS) {
    windows.unshift(previousWindow(spec, windows[0]!))
  }
  return windows
}
