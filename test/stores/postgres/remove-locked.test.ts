import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { sha256Hex, uuidv7 } from '../../../stores/ids.js'
import { objectUri } from '../../../stores/objects/object-uri.js'
import { Dataset, DatasetVersion } from '../../../stores/postgres/entities/dataset.js'
import { EndStore } from '../../../stores/postgres/end-store.js'
import { PackObjects } from '../../../stores/postgres/pack-objects.js'
import { TableObjects } from '../../../stores/postgres/table-objects.js'
import { type TestDatabase, testDatabase } from '../../support/postgres.js'

const PROJECT = 'default'
/** What is said of a connection that the server has closed. */
const GONE = /terminat|not queryable|already released/

describe('removing objects whose locks are gone', () => {
  let database: TestDatabase
  beforeAll(async () => {
    database = await testDatabase()
  })
  afterAll(() => database.drop())

  const hashes = () => Array.from({ length: 3 }, () => sha256Hex(randomBytes(8)))
  const tables = () => hashes().map(sha256 => objectUri(PROJECT, sha256, 'table-data'))
  /** At the first removal the session that has the locks ends, as by a crash of Postgres or by its time. */
  const ending = () => {
    const removed: string[] = []
    const remove = async (uri: string) => {
      removed.push(uri)
      if (removed.length > 1) return
      const ended: unknown[] = await database.dataSource.query(
        `SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
         WHERE datname = current_database() AND state = 'idle in transaction'`,
      )
      expect(ended).toHaveLength(1)
    }
    return { removed, remove }
  }
  const purged = async ([raw, parquet, quarantine]: string[]) => {
    const { dataSource } = database
    const dataset = { id: uuidv7(), project: PROJECT, name: 'hours', createdAt: new Date(), retention: null }
    await dataSource.getRepository(Dataset).insert(dataset)
    const content = (uri: string | undefined) => ({ uri: uri!, sha256: '', bytes: 1 })
    const id = uuidv7()
    await dataSource.getRepository(DatasetVersion).insert({
      ...{ id, datasetId: dataset.id, version: 1, branch: 'main', parentVersions: [], root: 'root' },
      ...{ raw: content(raw), parquet: content(parquet), quarantine: { ...content(quarantine), rows: 1 } },
      ...{ parents: [], runId: uuidv7(), effectKey: id, createdAt: new Date(), retiredAt: new Date() },
      ...{ purge: { by: 'key:admin', reason: 'asked for' }, endRecorded: false },
    } as never)
    return id
  }

  it('ends with the one under way: of packs', async () => {
    const objects = ending()
    await expect(new PackObjects(database.dataSource).remove(PROJECT, hashes(), objects)).rejects.toThrow(
      GONE,
    )
    expect(objects.removed).toHaveLength(1)
  })

  it('ends with the one under way: of tables', async () => {
    const objects = ending()
    const question = { project: PROJECT, uris: tables() }
    await expect(new TableObjects(database.dataSource).remove(question, objects)).rejects.toThrow(GONE)
    expect(objects.removed).toHaveLength(1)
    expect(await database.dataSource.query('SELECT uri FROM removed_objects')).toEqual([])
  })

  it('ends with the one under way: of a purged version, and goes on when it is done again', async () => {
    const objects = ending()
    const uris = tables()
    const id = await purged(uris)
    const store = new EndStore(database.dataSource)
    await expect(store.erase(PROJECT, id, objects, 'refs/none')).rejects.toThrow(GONE)
    expect(objects.removed).toHaveLength(1)

    await store.erase(PROJECT, id, objects, 'refs/none')
    expect(objects.removed.slice(1)).toEqual(uris.toSorted())
  })
})
