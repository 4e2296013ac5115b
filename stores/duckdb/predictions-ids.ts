import { join } from 'node:path'
import type { LookedLabel } from '../postgres/label-look-store.js'
import { type DuckDb, type DuckDbOptions, text, withDuckDb } from './duckdb.js'
import { type Pages, writeLines } from './lines.js'

// A prediction is known by its id, whatever its role: also one that was pinned, or scored as a shadow.

const PAGE_IDS = 10_000

/** Hands every id that is in the files to `work`, each once, in pages. */
export async function eachPredictionId(
  files: readonly string[],
  options: DuckDbOptions,
  work: (ids: string[]) => Promise<void>,
): Promise<void> {
  if (files.length === 0) return
  await withDuckDb(options, async db => {
    await db.run(`CREATE TEMP TABLE ids AS SELECT DISTINCT id FROM ${predictions(files)}`)
    for (let from = 0; ; from += PAGE_IDS) {
      const page = await idsOf(
        db,
        `SELECT id FROM ids WHERE rowid BETWEEN ${from} AND ${from + PAGE_IDS - 1}`,
      )
      if (page.length > 0) await work(page)
      if (page.length < PAGE_IDS) return
    }
  })
}

/**
 * Those of the ids that are in the files.
 * @param directory where the ids are put down meanwhile
 */
export async function idsAmong(
  wanted: ReadonlySet<string>,
  files: readonly string[],
  directory: string,
  options: DuckDbOptions,
): Promise<string[]> {
  if (files.length === 0 || wanted.size === 0) return []
  const lines = join(directory, 'wanted.ndjson')
  await writeLines([[...wanted]], id => ({ id }), lines, options.signal)
  return withDuckDb(options, db =>
    idsOf(db, `SELECT id FROM ${fromLines(lines)} SEMI JOIN ${predictions(files)} USING (id)`),
  )
}

/** Labels whose mark is not what the files say. */
export interface Mismatches {
  /** Matched, though no prediction has the id. */
  readonly matched: number
  /** Not matched, though a file in which it was looked for has it. */
  readonly unmatched: number
}

/**
 * Compares marks of labels with the predictions that are there.
 * @param files all of the deployment
 * @param looked those in which labels were looked for
 * @param directory where the labels are put down meanwhile
 */
export async function countMismatches(
  labels: Pages<LookedLabel>,
  { files, looked }: { readonly files: readonly string[]; readonly looked: readonly string[] },
  directory: string,
  options: DuckDbOptions,
): Promise<Mismatches> {
  const lines = join(directory, 'labels.ndjson')
  await writeLines(labels, ({ predictionId: id, matched }) => ({ id, matched }), lines, options.signal)
  return withDuckDb(options, async db => {
    await db.run(`CREATE TEMP TABLE marked AS SELECT id, matched FROM ${fromLines(lines)}`)
    const count = async (sql: string): Promise<number> =>
      (await db.query(`SELECT count(*) AS count FROM marked ${sql}`))[0]!['count'] as number
    return {
      matched: await count(
        files.length === 0 ? 'WHERE matched' : `ANTI JOIN ${predictions(files)} USING (id) WHERE matched`,
      ),
      unmatched:
        looked.length === 0
          ? 0
          : await count(`SEMI JOIN ${predictions(looked)} USING (id) WHERE NOT matched`),
    }
  })
}

function predictions(files: readonly string[]): string {
  return `(SELECT id FROM read_parquet([${files.map(text).join(', ')}], union_by_name = true)) AS predictions`
}

function fromLines(file: string): string {
  const columns = "{id: 'VARCHAR', matched: 'BOOLEAN'}"
  return `read_json(${text(file)}, format = 'newline_delimited', columns = ${columns})`
}

async function idsOf(db: DuckDb, sql: string): Promise<string[]> {
  return (await db.query(sql)).map(({ id }) => id as string)
}
