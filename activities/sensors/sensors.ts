import type { RunFailure, RunLimits } from '../../contracts/temporal/messages.js'
import type { SensorLook, TakenTick, TakeTick } from '../../contracts/temporal/sensors.js'
import type { Json } from '../../domain/canonical-json.js'
import { MlforgeError } from '../../domain/errors.js'
import type { RetryPolicy } from '../../domain/runs/retry-policy.js'
import { resolveGiven } from '../../domain/pipelines/given-parameters.js'
import { secondsToNextLook } from '../../domain/sensors/sensor.js'
import { derivedId } from '../../stores/ids.js'
import type { Sensor } from '../../stores/postgres/entities/sensor.js'
import type { AcceptRun } from '../../stores/postgres/run-acceptance.js'
import type { MadeTick } from '../../stores/postgres/sensor-store.js'
import { awaitChange } from '../await-change.js'
import { beatWhile } from '../heartbeats.js'
import { pipelineWork, waitsItsTurn } from '../pipeline-work.js'
import type { Ports } from '../ports.js'
import type { SourcePage, SourcePorts } from './read-source.js'
import { isOfSource } from './source-errors.js'
import { readSource } from './sources.js'

type SensorPorts = SourcePorts &
  Pick<Ports, 'runs' | 'sensors' | 'suites'> & {
    readonly retryPolicy: RetryPolicy
  }

/** What is wrong with a tick, or with what its sensor gives to the pipeline: another look finds the same. */
const OF_THE_TICK = ['not_found', 'step_input_invalid', 'invalid_request']

interface Named {
  readonly project: string
  readonly name: string
}

/** What goes into the run of a tick, or why it has none. */
type Work = { readonly request: AcceptRun } | { readonly refused: MlforgeError }

export function sensorActivities(ports: SensorPorts) {
  const { sensors, sensorTicks, runs } = ports

  return {
    /** Reads what the source has past the cursor. A source that cannot be seen is said, and looked for again. */
    async lookAtSource({ project, name }: Named): Promise<SensorLook> {
      const sensor = await sensors.find(project, name)
      if (sensor === null) return { state: 'ended', why: 'deleted' }
      if (sensor.paused) return { state: 'ended', why: 'paused' }
      const { id: sensorId, incarnation, sequence, intervalSeconds } = sensor
      const seen = await see(sensor)
      const page: SourcePage = 'error' in seen ? { ticks: [], cursor: sensor.cursor, more: false } : seen
      const { ticks, more, skipped = [] } = page
      const error = 'error' in seen ? seen.error : null
      const failures = error === null ? 0 : sensor.failures + 1
      const waitSeconds = secondsToNextLook(intervalSeconds, failures)
      const cursor = ticks.length > 0 ? sensor.cursor : page.cursor
      const head = { sensorId, incarnation, sequence }
      const nextLookAt = new Date(Date.now() + waitSeconds * 1000)
      if (!(await sensors.looked(head, { cursor, error, failures, nextLookAt }, skipped))) {
        return { state: 'again' }
      }
      return {
        state: 'looked',
        head: { ...head, sequence: sequence + 1 },
        cursor,
        ticks,
        more,
        waitSeconds,
        ...(error === null ? {} : { error }),
      }
    },

    /** Takes the run of a tick on, with the tick's row. One that does not fit the pipeline is refused. */
    async takeTick({ project, name, head, tick }: TakeTick): Promise<TakenTick> {
      const sensor = await sensors.find(project, name)
      if (sensor?.id !== head.sensorId) return { outcome: 'stale' }
      const payload = tick.payload ?? (await sensorTicks.event(head.sensorId, tick.key))?.payload ?? null
      const work = await workOf(sensor, head.incarnation, { key: tick.key, payload })
      const objectUri = sensor.source.kind === 'objects' ? String(tick.payload?.['uri']) : null
      const taken = await sensors.take(head, tick, async (transaction): Promise<MadeTick> => {
        if ('refused' in work) {
          const { message: reason, details } = work.refused
          const problems = details.problems ?? []
          return { payload, objectUri, outcome: 'refused', runId: null, reason, problems }
        }
        const { run } = await runs.acceptIn(transaction, work.request)
        return { payload, objectUri, outcome: 'started', runId: run.id, reason: null, problems: [] }
      })
      if (typeof taken === 'string') return { outcome: taken }
      const { outcome, runId } = taken.tick
      return { outcome, runId, known: taken.known, head: { ...head, sequence: taken.sequence } }
    },

    /** Ends when a sensor may start another run, or is another one. */
    async awaitRoom({ limits, project, name }: Named & { readonly limits: RunLimits }): Promise<void> {
      const first = await sensors.find(project, name)
      const see = async () => {
        const now = await sensors.find(project, name)
        if (now === null || now.sequence !== first?.sequence) return 'changed'
        return (await sensorTicks.openRuns(now.id)) >= now.maxOpenRuns ? 'full' : 'room'
      }
      await awaitChange(see, 'full', limits)
    },
  }

  async function see(sensor: Sensor): Promise<SourcePage | { readonly error: RunFailure }> {
    try {
      return await beatWhile('source', () => readSource(ports, sensor))
    } catch (error) {
      if (!isOfSource(error)) throw error
      return { error: { code: error.code, message: error.message } }
    }
  }

  /** Of the newest version of the pipeline, as it is now. */
  async function workOf(
    sensor: Sensor,
    incarnation: number,
    { key, payload }: Pick<MadeTick, 'payload'> & { readonly key: string },
  ): Promise<Work> {
    const { id, project, name, pipeline } = sensor
    try {
      const parameters = resolveGiven(sensor.parameters, 'tick', payload as Json)
      const { definition, work } = await pipelineWork(ports, project, { pipeline, parameters })
      return {
        request: {
          ...work,
          id: derivedId(project, 'sensor', id, String(incarnation), key),
          project,
          principal: `sensor:${name}`,
          trigger: 'sensor',
          alongside: waitsItsTurn(definition),
        },
      }
    } catch (error) {
      if (error instanceof MlforgeError && OF_THE_TICK.includes(error.code)) return { refused: error }
      throw error
    }
  }
}

export type SensorActivities = ReturnType<typeof sensorActivities>
