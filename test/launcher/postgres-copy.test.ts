import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { dumpTable } from '../../infra/launcher/backup-database.js'
import { type TestDatabase, testDatabase } from '../support/postgres.js'

describe('a table that is copied out', () => {
  let database: TestDatabase
  let directory: string
  let client: pg.Client
  beforeAll(async () => {
    database = await testDatabase()
    directory = await mkdtemp(join(tmpdir(), 'mlforge-copy-'))
    client = new pg.Client(database.url)
    client.on('error', () => undefined)
    await client.connect()
  })
  afterAll(async () => {
    await client.end()
    await database.drop()
    await rm(directory, { recursive: true, force: true })
  })

  // Around what a stream holds, and what comes from the server at once.
  it.each([0, 50, 150, 200, 250, 300, 400, 500, 600, 20_000])(
    'of %i rows leaves the connection able to go on',
    async rows => {
      await database.dataSource.query('TRUNCATE labels')
      await database.dataSource.query(
        `INSERT INTO labels SELECT gen_random_uuid(), 'prediction-' || i, 0, i, now(), now(), 'key:test'
         FROM generate_series(1, $1::int) i`,
        [rows],
      )
      const { table } = await dumpTable(client, 'labels', directory)
      expect(table.rows).toBe(rows)
      const { rows: found } = await client.query('SELECT 1 AS one')
      expect(found).toEqual([{ one: 1 }])
    },
  )
})
