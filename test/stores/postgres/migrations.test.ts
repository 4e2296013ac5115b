import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { MIGRATIONS } from '../../../stores/postgres/data-source.js'
import { migrate } from '../../../stores/postgres/migrate.js'
import { assertSchema } from '../../../stores/postgres/schema-version.js'
import { type TestDatabase, testDatabase } from '../../support/postgres.js'

describe('migrations', () => {
  let database: TestDatabase
  beforeAll(async () => {
    database = await testDatabase()
  })
  afterAll(() => database.drop())

  it('make exactly what the entities say', async () => {
    const { upQueries } = await database.dataSource.driver.createSchemaBuilder().log()
    expect(upQueries.map(query => query.query)).toEqual([])
  })

  it('are applied once', async () => {
    expect(await migrate(database.url)).toEqual({ applied: [] })
  })

  it('refuse processes of a newer and of an older release', async () => {
    await expect(assertSchema(database.dataSource)).resolves.toBeUndefined()
    await database.dataSource.query(`INSERT INTO migrations (timestamp, name) VALUES (1, 'FromTheFuture1')`)
    await expect(assertSchema(database.dataSource)).rejects.toThrow(/newer than this release.*FromTheFuture1/)
    await database.dataSource.query(`DELETE FROM migrations WHERE name = 'FromTheFuture1'`)
    await database.dataSource.query(`DELETE FROM migrations WHERE name = $1`, [MIGRATIONS.at(-1)!.name])
    await expect(assertSchema(database.dataSource)).rejects.toThrow(/Run "mlforge migrate"/)
  })
})
