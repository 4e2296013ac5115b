import { type DataSource, type EntityManager, MoreThan } from 'typeorm'
import type { Json } from '../../domain/canonical-json.js'
import { MlforgeError } from '../../domain/errors.js'
import type { TickOutcome } from '../../domain/sensors/sensor.js'
import { uuidv7 } from '../ids.js'
import { Sensor, SensorEvent, SensorTick } from './entities/sensor.js'
import { page, type PageOf, type PageRequest } from './paging.js'

export type NewTick = Omit<SensorTick, 'id' | 'at' | 'sensor'>

export interface NewEvent {
  readonly key: string
  readonly bodySha256: string
  readonly payload: Json
  readonly principal: string
}

/** Rows of one insert: a statement has at most 65,535 values. */
const ROWS_AT_ONCE = 1_000

/** Runs that work, or will by themselves. */
const OPEN_RUNS = `SELECT count(*)::int AS open FROM runs
  WHERE (status IN ('accepted', 'running') OR next_attempt_at IS NOT NULL)
    AND EXISTS (SELECT FROM sensor_ticks tick WHERE tick.run_id = runs.id AND tick.sensor_id = $1)`

/** What sensors have seen, and what was sent to them. */
export class SensorTickStore {
  constructor(private readonly dataSource: DataSource) {}

  async list(sensorId: string, request: PageRequest): Promise<PageOf<SensorTick>> {
    const query = this.dataSource.getRepository(SensorTick).createQueryBuilder('tick')
    return page(query.where({ sensorId }), ['at', 'id'], request)
  }

  /** Those of some keys that were ticks already. */
  async known(sensorId: string, incarnation: number, keys: readonly string[]): Promise<Set<string>> {
    const rows: { key: string }[] = await this.dataSource.query(
      'SELECT key FROM sensor_ticks WHERE sensor_id = $1 AND incarnation = $2 AND key = ANY($3)',
      [sensorId, incarnation, keys],
    )
    return new Set(rows.map(({ key }) => key))
  }

  async find(
    transaction: EntityManager,
    sensorId: string,
    incarnation: number,
    key: string,
  ): Promise<SensorTick | null> {
    return transaction.findOneBy(SensorTick, { sensorId, incarnation, key })
  }

  /** Those that are there already stay as they are. */
  async add(transaction: EntityManager, ticks: readonly NewTick[]): Promise<void> {
    const at = new Date()
    for (let from = 0; from < ticks.length; from += ROWS_AT_ONCE) {
      const rows = ticks.slice(from, from + ROWS_AT_ONCE).map(tick => ({ ...tick, id: uuidv7(), at }))
      await transaction
        .createQueryBuilder()
        .insert()
        .into(SensorTick)
        .values(rows as never)
        .orIgnore()
        .execute()
    }
  }

  /** How many of a sensor's runs have not ended. */
  async openRuns(sensorId: string, manager: EntityManager = this.dataSource.manager): Promise<number> {
    const rows: { open: number }[] = await manager.query(OPEN_RUNS, [sensorId])
    return rows[0]!.open
  }

  /** How many ticks have had each outcome. */
  async counts(sensorIds: readonly string[]): Promise<Map<string, Partial<Record<TickOutcome, number>>>> {
    const rows: { id: string; outcome: TickOutcome; ticks: number }[] = await this.dataSource.query(
      `SELECT sensor_id AS id, outcome, count(*)::int AS ticks FROM sensor_ticks
       WHERE sensor_id = ANY($1) GROUP BY sensor_id, outcome`,
      [sensorIds],
    )
    const found = new Map<string, Partial<Record<TickOutcome, number>>>()
    for (const { id, outcome, ticks } of rows) found.set(id, { ...found.get(id), [outcome]: ticks })
    return found
  }

  /**
   * Keeps what was sent, once for each key.
   * @throws MlforgeError idempotency_key_reused where another body had the key
   */
  async receive(sensorId: string, event: NewEvent): Promise<{ event: SensorEvent; replayed: boolean }> {
    return this.dataSource.transaction(async transaction => {
      // Numbers are given in the order of the commits: nobody who reads past one misses it.
      const sensor = await transaction.findOneOrFail(Sensor, {
        where: { id: sensorId },
        lock: { mode: 'pessimistic_write' },
      })
      const known = await transaction.findOneBy(SensorEvent, { sensorId, key: event.key })
      if (known && known.bodySha256 !== event.bodySha256) {
        throw new MlforgeError(
          'idempotency_key_reused',
          `Idempotency-Key "${event.key}" was used for another event of sensor "${sensor.name}". Use a new key for a new event.`,
        )
      }
      if (known) return { event: known, replayed: true }
      const number = sensor.events + 1
      const row = { ...event, sensorId, number, at: new Date() }
      await transaction.insert(SensorEvent, row as object)
      await transaction.update(Sensor, { id: sensorId }, { events: number })
      return { event: row as SensorEvent, replayed: false }
    })
  }

  async event(sensorId: string, key: string): Promise<SensorEvent | null> {
    return this.dataSource.getRepository(SensorEvent).findOneBy({ sensorId, key })
  }

  async eventsAfter(sensorId: string, number: number, limit: number): Promise<SensorEvent[]> {
    return this.dataSource.getRepository(SensorEvent).find({
      where: { sensorId, number: MoreThan(number) },
      order: { number: 'ASC' },
      take: limit,
    })
  }
}
