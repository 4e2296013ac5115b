import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { StepContext, StepResult, StepRunner } from '../../../activities/pipelines/step-context.js'
import type { Json } from '../../../domain/canonical-json.js'
import type { TableValue } from '../../../domain/pipelines/values.js'
import { withDuckDb } from '../../../stores/duckdb/duckdb.js'
import { LocalObjectStore } from '../../../stores/objects/local-object-store.js'

/** Objects on the disk and steps that work on them, in a directory of their own. */
export class StepKit {
  readonly objects: LocalObjectStore

  private constructor(readonly directory: string) {
    this.objects = new LocalObjectStore(join(directory, 'objects'))
  }

  static async create(): Promise<StepKit> {
    return new StepKit(await mkdtemp(join(tmpdir(), 'mlforge-steps-')))
  }

  async remove(): Promise<void> {
    await rm(this.directory, { recursive: true, force: true })
  }

  /** Runs a step as a pipeline would, and tells what it has logged too. */
  async run(
    runner: StepRunner,
    inputs: Record<string, unknown>,
    rest: Partial<StepContext> = {},
  ): Promise<StepResult & { lines: string[] }> {
    const lines: string[] = []
    const directory = await mkdtemp(join(this.directory, 'scratch-'))
    try {
      const result = await runner({
        project: 'default',
        pipeline: 'demand',
        runId: '0198c0de-0000-7000-8000-000000000001',
        step: 'it',
        effectKey: '0198c0de-0000-7000-8000-000000000001/it/g0',
        inputs: inputs as Record<string, Json>,
        directory,
        signal: new AbortController().signal,
        log: line => void lines.push(line),
        ...rest,
      })
      if (typeof result === 'function') throw new Error('this step has an effect in our stores')
      return { ...result, lines }
    } finally {
      await rm(directory, { recursive: true, force: true })
    }
  }

  /** What a query without tables gives, as a table in the object store. */
  async table(sql: string): Promise<TableValue> {
    const file = join(await mkdtemp(join(this.directory, 'table-')), 'table.parquet')
    const rows = await withDuckDb({}, async db => {
      await db.run(`COPY (${sql}) TO '${file}' (FORMAT parquet)`)
      const [count] = await db.query(`SELECT count(*) AS rows FROM '${file}'`)
      return count!['rows'] as number
    })
    return { kind: 'table', ...(await this.objects.write('default', await readFile(file))), rows }
  }
}

/** The error that a promise is rejected with. */
export async function errorOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    value => {
      throw new Error(`it went well: ${JSON.stringify(value)}`)
    },
    (error: unknown) => error,
  )
}
