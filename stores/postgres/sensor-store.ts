import { type DataSource, type EntityManager, IsNull } from 'typeorm'
import type { RunFailure } from '../../contracts/temporal/messages.js'
import type { SensorHead } from '../../contracts/temporal/sensors.js'
import { canonicalJson, type Json } from '../../domain/canonical-json.js'
import { MlforgeError } from '../../domain/errors.js'
import type { SensorCursor, SourceTick } from '../../domain/sensors/sensor.js'
import { didYouMean } from '../../domain/suggest.js'
import { uuidv7 } from '../ids.js'
import { Sensor, type SensorTick } from './entities/sensor.js'
import { page, type PageOf, type PageRequest } from './paging.js'
import { type NewTick, SensorTickStore } from './sensor-tick-store.js'

type Definition = Pick<
  Sensor,
  'source' | 'pipeline' | 'parameters' | 'intervalSeconds' | 'maxOpenRuns' | 'note'
>

export type NewSensor = Definition & Pick<Sensor, 'project' | 'name' | 'paused' | 'principal'>
export type SensorChange = Partial<Definition & Pick<Sensor, 'paused'>>

/** What a look leaves in the row. */
export interface LookedAt {
  readonly cursor: SensorCursor | null
  readonly error: RunFailure | null
  readonly failures: number
  readonly nextLookAt: Date
}

/** What a tick came to. */
export type MadeTick = Pick<SensorTick, 'payload' | 'objectUri' | 'outcome' | 'runId' | 'reason' | 'problems'>

export interface TakenRow {
  readonly tick: SensorTick
  readonly sequence: number
  /** True for one that was taken on before. */
  readonly known: boolean
}

const BEFORE = 'It was there before the sensor began.'

/** Names that are looked at when an unknown one was probably misspelt. */
const MAX_SUGGESTED = 1_000

/** What each sensor is, and how far it has come. */
export class SensorStore {
  private readonly ticks: SensorTickStore

  constructor(private readonly dataSource: DataSource) {
    this.ticks = new SensorTickStore(dataSource)
  }

  async create(sensor: NewSensor): Promise<Sensor> {
    const now = new Date()
    const id = uuidv7()
    const row = {
      ...sensor,
      id,
      revision: 1,
      incarnation: 1,
      since: now,
      cursor: firstCursor(sensor.source.kind, 0),
      sequence: 0,
      events: 0,
      failures: 0,
      createdAt: now,
      updatedAt: now,
    }
    const rows = await this.dataSource
      .createQueryBuilder()
      .insert()
      .into(Sensor)
      .values(row as never)
      .orIgnore()
      .returning('id')
      .execute()
    if ((rows.raw as unknown[]).length === 0) {
      throw new MlforgeError(
        'already_exists',
        `There is a sensor "${sensor.name}" already. Change it with PATCH, or choose another name.`,
      )
    }
    return this.get(sensor.project, sensor.name)
  }

  /** Null for one that was deleted, too. */
  async find(project: string, name: string): Promise<Sensor | null> {
    return this.dataSource.getRepository(Sensor).findOneBy({ project, name, deletedAt: IsNull() })
  }

  async get(project: string, name: string): Promise<Sensor> {
    const sensor = await this.find(project, name)
    if (sensor) return sensor
    const others = await this.dataSource.getRepository(Sensor).find({
      where: { project, deletedAt: IsNull() },
      select: { name: true },
      take: MAX_SUGGESTED,
    })
    const hint = didYouMean(
      name,
      others.map(other => other.name),
    )
    throw new MlforgeError('not_found', `There is no sensor "${name}" in project ${project}.${hint}`)
  }

  async list(project: string, request: PageRequest): Promise<PageOf<Sensor>> {
    const query = this.dataSource.getRepository(Sensor).createQueryBuilder('sensor')
    return page(query.where({ project, deletedAt: IsNull() }), ['createdAt', 'id'], request)
  }

  /** Another source is begun anew: nothing that it has by now is a tick. */
  async update(project: string, name: string, change: SensorChange): Promise<Sensor> {
    return this.change(project, name, sensor => {
      const before = canonicalJson(sensor.source as unknown as Json)
      Object.assign(sensor, change)
      const isOther = canonicalJson(sensor.source as unknown as Json) !== before
      if (isOther) begin(sensor, new Date(), sensor.events)
    })
  }

  /** Begins anew: with what comes from now on, or with all that the source has. */
  async reset(project: string, name: string, from: 'latest' | 'beginning', note: string): Promise<Sensor> {
    return this.change(project, name, sensor => {
      if (from === 'latest') begin(sensor, new Date(), sensor.events)
      else begin(sensor, new Date(0), 0)
      sensor.note = note
    })
  }

  /** Its ticks stay, as its runs do. */
  async remove(project: string, name: string): Promise<void> {
    await this.change(project, name, sensor => {
      sensor.deletedAt = new Date()
    })
  }

  /**
   * Keeps what a look has seen, unless something was written since it began.
   * @param skipped what is to be remembered as no tick
   * @returns whether it was kept
   */
  async looked(
    { sensorId: id, incarnation, sequence }: SensorHead,
    { cursor, error, failures, nextLookAt }: LookedAt,
    skipped: readonly Pick<NewTick, 'key' | 'payload'>[],
  ): Promise<boolean> {
    return this.dataSource.transaction(async transaction => {
      const written = await transaction
        .createQueryBuilder()
        .update(Sensor)
        .set({
          cursor,
          sequence: sequence + 1,
          lastError: error,
          failures,
          failingSince: () => (error === null ? 'NULL' : 'coalesce(failing_since, now())'),
          lookedAt: new Date(),
          nextLookAt,
        } as never)
        .where({ id, incarnation, sequence, deletedAt: IsNull() })
        .execute()
      if (written.affected !== 1) return false
      const row = {
        sensorId: id,
        incarnation,
        outcome: 'skipped',
        objectUri: null,
        runId: null,
        problems: [],
      } as const
      const ticks = skipped.map(tick => ({ ...row, ...tick, reason: BEFORE }))
      await this.ticks.add(transaction, ticks)
      return true
    })
  }

  /**
   * Takes a tick on, once: what `make` does is committed with the tick's row and the cursor after it.
   * @returns the tick that is there, `full` while too many runs are open, or `stale` where something else
   *   was written since the look
   */
  async take(
    { sensorId, incarnation, sequence }: SensorHead,
    { key, cursor }: Pick<SourceTick, 'key' | 'cursor'>,
    make: (transaction: EntityManager) => Promise<MadeTick>,
  ): Promise<TakenRow | 'full' | 'stale'> {
    return this.dataSource.transaction(async transaction => {
      const sensor = await transaction.findOne(Sensor, {
        where: { id: sensorId, deletedAt: IsNull() },
        lock: { mode: 'pessimistic_write' },
      })
      if (!sensor) return 'stale'
      const isNext = sensor.incarnation === incarnation && sensor.sequence === sequence
      const before = await this.ticks.find(transaction, sensorId, incarnation, key)
      // An answer that was lost, or a tick that was seen once more.
      if (before && !isNext) return { tick: before, sequence: sensor.sequence, known: true }
      if (!isNext || sensor.paused) return 'stale'
      if (!before) {
        if ((await this.ticks.openRuns(sensorId, transaction)) >= sensor.maxOpenRuns) return 'full'
        const made = await make(transaction)
        await this.ticks.add(transaction, [{ ...made, sensorId, incarnation, key }])
      }
      const next = sequence + 1
      await transaction.update(Sensor, { id: sensorId }, { cursor, sequence: next } as object)
      const tick = before ?? (await this.ticks.find(transaction, sensorId, incarnation, key))
      return { tick: tick!, sequence: next, known: before !== null }
    })
  }

  private async change(project: string, name: string, alter: (sensor: Sensor) => void): Promise<Sensor> {
    const { id } = await this.get(project, name)
    return this.dataSource.transaction(async transaction => {
      const sensor = await transaction.findOne(Sensor, {
        where: { id, deletedAt: IsNull() },
        lock: { mode: 'pessimistic_write' },
      })
      if (!sensor) throw new MlforgeError('not_found', `Sensor "${name}" was deleted just now.`)
      alter(sensor)
      // What was seen by the definition before is looked at again by this one.
      sensor.revision++
      sensor.sequence++
      sensor.updatedAt = new Date()
      return transaction.save(Sensor, sensor)
    })
  }
}

function begin(sensor: Sensor, since: Date, events: number): void {
  sensor.incarnation++
  sensor.since = since
  sensor.cursor = firstCursor(sensor.source.kind, events)
  sensor.lastError = null
  sensor.failingSince = null
  sensor.failures = 0
}

/** Events have numbers: where they begin is known at once. */
function firstCursor(kind: Sensor['source']['kind'], events: number): SensorCursor | null {
  return kind === 'webhook' ? { event: events } : null
}
