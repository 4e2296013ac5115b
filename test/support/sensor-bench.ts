import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { sensorStart } from '../../contracts/temporal/sensor-start.js'
import {
  sensorLive,
  type SensorLive,
  sensorWorkflowId,
  wakeSensor,
} from '../../contracts/temporal/sensors.js'
import { compilePipeline } from '../../domain/pipelines/compile.js'
import { writeSequence } from '../../domain/runs/run-status.js'
import type { SensorSource } from '../../domain/sensors/sensor.js'
import { sha256Hex } from '../../stores/ids.js'
import type { Sensor, SensorTick } from '../../stores/postgres/entities/sensor.js'
import type { NewSensor } from '../../stores/postgres/sensor-store.js'
import { eventually } from './eventually.js'
import { type Harness, PROJECT } from './harness.js'

/** A pipeline that takes anything, and is never begun where nobody relays starts. */
const PIPELINE = {
  parameters: {
    what: { type: 'json', default: null },
    count: { type: 'integer', default: 0 },
  },
  steps: { ask: { uses: 'wait', with: { event: true } } },
}

/** Sensors on a harness whose runs nobody starts: they are open until a test ends them. */
export class SensorBench {
  constructor(readonly harness: Harness) {}

  async apply(name: string, source: object = PIPELINE): Promise<void> {
    const { definition, problems } = compilePipeline(source, name)
    if (problems.length > 0) throw new Error(JSON.stringify(problems))
    await this.harness.ports.pipelines.apply(PROJECT, 'key:test', [definition!])
  }

  async directory(path: string): Promise<string> {
    const directory = join(this.harness.config.scripts.directory, path)
    await mkdir(directory, { recursive: true })
    return directory
  }

  async create(name: string, source: SensorSource, more: Partial<NewSensor> = {}): Promise<Sensor> {
    return this.harness.ports.sensors.create({
      project: PROJECT,
      name,
      source,
      pipeline: 'any',
      parameters: { what: '${{ tick }}' },
      intervalSeconds: 3600,
      maxOpenRuns: 100,
      paused: false,
      note: null,
      principal: 'key:test',
      ...more,
    })
  }

  /** Starts the workflow of a sensor, or wakes it, as the api does. */
  async wake({ project, name, pipeline }: Pick<Sensor, 'project' | 'name' | 'pipeline'>): Promise<void> {
    const { type, options, signal } = sensorStart({ project, name, pipeline }, this.harness.ports.limits)
    await this.harness.client.workflow.signalWithStart(type, { ...options, signal, signalArgs: ['change'] })
  }

  handle(name: string) {
    return this.harness.client.workflow.getHandle(sensorWorkflowId({ project: PROJECT, name }))
  }

  live(name: string): Promise<SensorLive> {
    return this.handle(name).query(sensorLive)
  }

  /** Lets a sensor look now. */
  signal(name: string, because: 'event' | 'change' = 'change'): Promise<void> {
    return this.handle(name).signal(wakeSensor, because)
  }

  /** Oldest first. */
  async ticks({ id }: Pick<Sensor, 'id'>): Promise<SensorTick[]> {
    const { items } = await this.harness.ports.sensorTicks.list(id, { limit: 200 })
    return items.reverse()
  }

  /** The ticks of a sensor once there are so many. */
  async untilTicks(sensor: Pick<Sensor, 'id'>, count: number, deadlineMs = 120_000): Promise<SensorTick[]> {
    return eventually(
      async () => {
        const ticks = await this.ticks(sensor)
        if (ticks.length !== count) throw new Error(`there are ${ticks.length} ticks, not ${count}`)
        return ticks
      },
      { deadlineMs },
    )
  }

  async untilStage(name: string, stage: SensorLive['stage']): Promise<SensorLive> {
    return eventually(async () => {
      const live = await this.live(name)
      if (live.stage !== stage) throw new Error(`sensor ${name} is in ${live.stage}, not in ${stage}`)
      return live
    })
  }

  async row(name: string): Promise<Sensor> {
    return this.harness.ports.sensors.get(PROJECT, name)
  }

  /** Pauses a sensor and waits until its workflow has ended. */
  async pause(name: string): Promise<void> {
    await this.harness.ports.sensors.update(PROJECT, name, { paused: true })
    await this.signal(name)
    await this.handle(name).result()
  }

  async endRun(id: string, status: 'succeeded' | 'failed' = 'succeeded'): Promise<void> {
    const { runs } = this.harness.ports
    await runs.update(id, writeSequence(1, 1), { status: 'running', stage: 'run' })
    const error = { code: 'http_refused', message: 'no' }
    const change = { status, stage: status, ...(status === 'failed' ? { error } : {}) }
    await runs.update(id, writeSequence(1, 'closing'), change)
  }

  event(sensor: Sensor, key: string, payload: unknown) {
    return this.harness.ports.sensorTicks.receive(sensor.id, {
      key,
      bodySha256: sha256Hex(JSON.stringify(payload)),
      payload: payload as never,
      principal: 'key:test',
    })
  }
}
