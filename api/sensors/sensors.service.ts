import { Inject, Injectable } from '@nestjs/common'
import type { Config } from '../../config/config.js'
import type { Page, PageQuery } from '../../contracts/rest/common.js'
import type {
  CreateSensor,
  ResetSensor,
  Sensor,
  SensorEvent,
  SensorTick,
  UpdateSensor,
} from '../../contracts/rest/sensors.js'
import type { Json } from '../../domain/canonical-json.js'
import { MlforgeError } from '../../domain/errors.js'
import { boundProblems } from '../../domain/pipelines/bounds.js'
import { located } from '../../domain/pipelines/problems.js'
import type { Sensor as Row } from '../../stores/postgres/entities/sensor.js'
import { SensorStore } from '../../stores/postgres/sensor-store.js'
import { SensorTickStore } from '../../stores/postgres/sensor-tick-store.js'
import type { Idempotency } from '../http/idempotency.js'
import { mapPage } from '../http/paging.js'
import type { Principal } from '../http/request.js'
import { invalidRequest } from '../http/validation.js'
import { CONFIG } from '../platform/tokens.js'
import { sensorView, tickView } from './sensor-view.js'
import { SensorWork } from './sensor-work.js'
import { TemporalSensors } from './temporal-sensors.js'

const DEFAULT_INTERVAL_SECONDS = 60
const MAX_EVENT_BYTES = 32 * 1024

@Injectable()
export class SensorsService {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    @Inject(SensorStore) private readonly sensors: SensorStore,
    @Inject(SensorTickStore) private readonly ticksOf: SensorTickStore,
    @Inject(TemporalSensors) private readonly temporal: TemporalSensors,
    @Inject(SensorWork) private readonly work: SensorWork,
  ) {}

  /** The row comes first: with it the sensor is promised, and started even if this process ends here. */
  async create(caller: Principal, body: CreateSensor): Promise<Sensor> {
    const work = await this.work.of(caller.project, body)
    const { intervalSeconds = DEFAULT_INTERVAL_SECONDS, maxOpenRuns = 1, paused = false, note = null } = body
    const row = await this.sensors.create({
      project: caller.project,
      name: body.name,
      ...work,
      intervalSeconds,
      maxOpenRuns,
      paused,
      note,
      principal: caller.name,
    })
    if (!paused) await this.temporal.wake(row, 'change')
    return this.view(row)
  }

  async list({ project }: Principal, query: PageQuery): Promise<Page<Sensor>> {
    const { items, nextCursor } = await this.sensors.list(project, query)
    const views = await this.views(items)
    return nextCursor === undefined ? { items: views } : { items: views, nextCursor }
  }

  async get({ project }: Principal, name: string): Promise<Sensor> {
    return this.view(await this.sensors.get(project, name))
  }

  async update({ project }: Principal, name: string, body: UpdateSensor): Promise<Sensor> {
    const before = await this.sensors.get(project, name)
    const work = await this.work.of(project, body, before)
    const { intervalSeconds, maxOpenRuns, note } = body
    const row = await this.sensors.update(project, name, {
      ...work,
      ...(intervalSeconds === undefined ? {} : { intervalSeconds }),
      ...(maxOpenRuns === undefined ? {} : { maxOpenRuns }),
      ...(note === undefined ? {} : { note }),
    })
    return this.changed(row)
  }

  async pause(caller: Principal, name: string, note = `paused by ${caller.name}`): Promise<Sensor> {
    return this.changed(await this.sensors.update(caller.project, name, { paused: true, note }))
  }

  async resume(caller: Principal, name: string, note = `resumed by ${caller.name}`): Promise<Sensor> {
    return this.changed(await this.sensors.update(caller.project, name, { paused: false, note }))
  }

  async reset({ project }: Principal, name: string, { from, reason }: ResetSensor): Promise<Sensor> {
    return this.changed(await this.sensors.reset(project, name, from, reason))
  }

  async remove({ project }: Principal, name: string): Promise<void> {
    const row = await this.sensors.get(project, name)
    await this.sensors.remove(project, name)
    // Its workflow sees that it is gone, and ends.
    await this.temporal.wake(row, 'change')
  }

  async ticks({ project }: Principal, name: string, query: PageQuery): Promise<Page<SensorTick>> {
    const { id } = await this.sensors.get(project, name)
    return mapPage(await this.ticksOf.list(id, query), tickView)
  }

  /** A committed row before it is answered: neither Temporal nor a worker is needed for that. */
  async receive(
    caller: Principal,
    name: string,
    payload: unknown,
    idempotency?: Idempotency,
  ): Promise<SensorEvent> {
    const sensor = await this.sensors.get(caller.project, name)
    if (sensor.source.kind !== 'webhook') {
      throw new MlforgeError(
        'wrong_state',
        `Sensor "${name}" watches ${sensor.source.kind}; events are for one with the source webhook.`,
      )
    }
    if (!idempotency) {
      const message = 'It is needed: it names the event, so that one that is sent twice is one.'
      throw invalidRequest([{ at: 'header Idempotency-Key', message }])
    }
    const value = (payload ?? null) as Json
    const { problems } = boundProblems(value)
    if (problems.length > 0) throw invalidRequest(problems.map(located))
    if (Buffer.byteLength(JSON.stringify(value)) > MAX_EVENT_BYTES) {
      throw new MlforgeError(
        'body_too_large',
        `An event has at most ${MAX_EVENT_BYTES} bytes. Send where the data is, not the data.`,
      )
    }
    const { key, bodySha256 } = idempotency
    const { event, replayed } = await this.ticksOf.receive(sensor.id, {
      key,
      bodySha256,
      payload: value,
      principal: caller.name,
    })
    if (!sensor.paused) await this.temporal.wakeForEvent(sensor)
    return { sensor: name, key, number: event.number, replayed, receivedAt: event.at.toISOString() }
  }

  private async changed(row: Row): Promise<Sensor> {
    // One that is paused now is woken to see that, and to end.
    await this.temporal.wake(row, 'change')
    return this.view(row)
  }

  private async view(row: Row): Promise<Sensor> {
    const [view] = await this.views([row])
    return view!
  }

  private async views(rows: readonly Row[]): Promise<Sensor[]> {
    const counts = await this.ticksOf.counts(rows.map(({ id }) => id))
    return Promise.all(
      rows.map(async row => {
        const openRuns = await this.ticksOf.openRuns(row.id)
        return sensorView(row, this.config.temporal, { openRuns, ticks: counts.get(row.id) ?? {} })
      }),
    )
  }
}
