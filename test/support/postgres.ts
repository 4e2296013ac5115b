import 'reflect-metadata'
import { randomBytes } from 'node:crypto'
import type { DataSource } from 'typeorm'
import { connectPostgres } from '../../stores/postgres/data-source.js'
import { sql, TEMPLATE, withDatabase } from './servers.js'

export interface TestDatabase {
  readonly url: string
  readonly dataSource: DataSource
  drop(): Promise<void>
}

/** A migrated database of its own, on the real server. */
export async function testDatabase(): Promise<TestDatabase> {
  const server = process.env['TEST_POSTGRES_URL']!
  const name = `test_${randomBytes(6).toString('hex')}`
  await sql(server, `CREATE DATABASE ${name} TEMPLATE ${TEMPLATE}`)
  const url = withDatabase(server, name)
  const dataSource = await connectPostgres(url, 10)
  return {
    url,
    dataSource,
    async drop() {
      await dataSource.destroy()
      await sql(server, `DROP DATABASE ${name} WITH (FORCE)`)
    },
  }
}
