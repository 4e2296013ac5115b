import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { ApplicationFailure } from '@temporalio/common'
import { toFailure } from '../../activities/failures.js'
import { withScratch } from '../../activities/scratch.js'
import { asMlforgeError } from '../../api/http/problem.js'
import { withDuckDb } from '../../stores/duckdb/duckdb.js'
import { queryTables } from '../../stores/duckdb/query.js'
import { bikeCsv } from '../support/bike-data.js'
import { eventually } from '../support/eventually.js'
import { Harness, PROJECT } from '../support/harness.js'
import { SmallDisk } from '../support/small-disk.js'

/** Some 100 MB of rows that are sorted, for 60 MB of memory. */
const SPILLING = `SELECT random() AS r, repeat('x', 100) || i AS s FROM range(1000000) t(i) ORDER BY r`
const MEMORY = { memoryLimit: '60MB' }
const FULL = {
  code: 'unavailable',
  message: expect.stringMatching(/^A disk is full \(.*\)\. Make room on it/),
}

describe('a disk without room', () => {
  it('is a failure of a step that is tried again, and of a request that may be', async () => {
    const scratch = await mkdtemp(join(tmpdir(), 'mlforge-scratch-'))
    const error: unknown = await withScratch(scratch, () => writeFile('/dev/full', 'more')).catch(
      (thrown: unknown) => thrown,
    )
    expect(await readdir(scratch)).toEqual([])
    await rm(scratch, { recursive: true })
    expect(error).toMatchObject({
      code: 'unavailable',
      message: `A disk is full (ENOSPC: no space left on device, write; temporary files are in "${scratch}"). Make room on it; then it can be tried again.`,
    })
    const raw: unknown = await writeFile('/dev/full', 'more').catch((thrown: unknown) => thrown)
    for (const each of [error, raw]) {
      const failure = toFailure(each, false)
      expect(failure).toBeInstanceOf(ApplicationFailure)
      expect(failure).toMatchObject({ type: 'unavailable', nonRetryable: false })
      expect(asMlforgeError(each, 'request')).toMatchObject(FULL)
    }
  })

  it('is told apart from too little memory, which DuckDB takes it for', async () => {
    const copy = (outFile: string) => queryTables({ sql: 'SELECT 1 AS a', tables: {}, outFile })
    await expect(copy('/dev/full')).rejects.toMatchObject(FULL)
    const spilling = withDuckDb(MEMORY, async db => {
      await db.run(`SET max_temp_directory_size = '1MB'`)
      await db.run(`CREATE TABLE sorted AS ${SPILLING}`)
    })
    await expect(spilling).rejects.toMatchObject(FULL)
    const tooLarge = `SELECT list(s) AS all FROM (${SPILLING})`
    const query = { sql: tooLarge, tables: {}, outFile: '/dev/null' }
    await expect(queryTables(query, MEMORY)).rejects.toMatchObject({
      code: 'query_invalid',
      message: expect.stringContaining('more memory than a step has'),
    })
  })
})

const disk = SmallDisk.make(8)
const onDisk = disk === undefined ? describe.skip : describe

onDisk('a worker whose directory for temporary files has no room', () => {
  const path = disk?.path ?? ''
  let harness: Harness
  beforeAll(async () => {
    harness = await Harness.start({
      queues: ['workflows'],
      env: { MLFORGE_RETRIES_ACTIVITY_ATTEMPTS: '1000' },
    })
    await harness.work('io', { ...harness.ports, scratch: path })
  })
  afterAll(async () => {
    await harness?.stop()
    disk!.remove()
  })

  it('says so of a step, leaves nothing there, and ends it when there is room', async () => {
    disk!.fill()
    const run = await harness.commit('full', bikeCsv(1), { columns: { dteday: { format: '%m/%d/%Y' } } })
    await eventually(async () => {
      const { raw } = await harness.client.workflow.getHandle(run.workflowId).describe()
      const [step] = raw.pendingActivities ?? []
      expect(step!.lastFailure).toMatchObject({
        message: expect.stringContaining(`temporary files are in "${path}/`),
        applicationFailureInfo: { type: 'unavailable', nonRetryable: false },
      })
    })
    expect(await harness.row(run)).toMatchObject({ status: 'running' })
    disk!.free()
    expect(await harness.ended(run)).toMatchObject({ status: 'succeeded', result: { version: 1 } })
    expect(await harness.ports.datasets.latest(PROJECT, 'full')).toMatchObject({ version: 1 })
    expect(await readdir(path)).toEqual([])
  })

  it('does so too where a query spills more than there is room for', async () => {
    const query = { sql: SPILLING, tables: {}, outFile: '/dev/null' }
    await expect(queryTables(query, { ...MEMORY, temporaryDirectory: path })).rejects.toMatchObject(FULL)
    expect(await readdir(path)).toEqual([])
  })
})
