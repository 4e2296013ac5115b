import { afterAll, beforeAll, expect, it } from '@jest/globals'
import { asMlforgeError } from '../../api/http/problem.js'
import { eventually } from '../support/eventually.js'
import { type TestDatabase, testDatabase } from '../support/postgres.js'

let database: TestDatabase
beforeAll(async () => {
  database = await testDatabase()
})
afterAll(() => database.drop())

it('says that the database does not answer where it goes away in the middle of a transaction', async () => {
  const { dataSource } = database
  const interrupted = dataSource.transaction(async transaction => {
    const [own] = await transaction.query<{ pid: number }[]>('SELECT pg_backend_pid() AS pid')
    await dataSource.query('SELECT pg_terminate_backend($1)', [own!.pid])
    await eventually(() => expect(transaction.queryRunner!.isReleased).toBe(true))
    await transaction.query('SELECT 1')
  })
  const thrown: unknown = await interrupted.catch((error: unknown) => error)
  expect(asMlforgeError(thrown, 'request')).toMatchObject({ code: 'unavailable' })
})
