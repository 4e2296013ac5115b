import { join } from 'node:path'
import { findLeak, type Leak } from '../../domain/datasets/leakage.js'
import { permutation } from '../../domain/datasets/permutation.js'
import { checkSplit, splitColumns, type TimeSplit } from '../../domain/datasets/split.js'
import { MlforgeError } from '../../domain/errors.js'
import { type DuckDb, type DuckDbOptions, name, text, withDuckDb } from './duckdb.js'
import { numberedParquet } from './numbered.js'

export interface SplitWarning {
  readonly code: 'target_leakage' | 'infinite_feature' | 'rows_without_time' | 'target_permuted'
  readonly message: string
  readonly leak?: Leak
}

export interface SplitPart {
  readonly file: string
  readonly rows: number
}

export interface SplitResult {
  readonly train: SplitPart
  readonly holdout: SplitPart
  /** Rows of the table in neither part. */
  readonly unused: number
  readonly warnings: readonly SplitWarning[]
}

/** The leakage check looks at training rows evenly spread: at most this many, fewer in wide tables. */
const LEAK_ROWS = 50_000
const LEAK_PRODUCTS = 5e8
const LISTED = 20

/**
 * Cuts a table in two by time and writes `train.parquet` and `holdout.parquet` into `directory`, rows
 * in their order; the same input gives the same bytes.
 * @throws MlforgeError unknown_column, split_invalid, target_invalid, label_invalid with the rows
 */
export async function splitByTime(
  parquetFile: string,
  split: TimeSplit,
  directory: string,
  options: DuckDbOptions = {},
): Promise<SplitResult> {
  return withDuckDb(options, async db => {
    await db.run(`CREATE VIEW t AS SELECT * FROM read_parquet(${text(parquetFile)})`)
    const described = await db.query('DESCRIBE t')
    checkSplit(
      split,
      new Map(described.map(row => [row['column_name'] as string, row['column_type'] as string])),
    )

    const columns = splitColumns(split).map(name).join(', ')
    const { column, train, holdout, target } = split
    const time = name(column)
    const at = (bound: string): string => `CAST(${text(bound)} AS TIMESTAMP)`
    const inTrain = `(${time} < ${at(train.until)}${train.from === undefined ? '' : ` AND ${time} >= ${at(train.from)}`})`
    const inHoldout = `(${time} >= ${at(holdout.from)} AND ${time} < ${at(holdout.until)})`
    const rowsFrom = await numberedParquet(db, parquetFile, '__row')
    await db.run(`CREATE VIEW numbered AS SELECT ${columns}, __row FROM ${rowsFrom}`)
    await db.run(
      `CREATE TEMP TABLE train AS SELECT row_number() OVER () - 1 AS __at, * FROM numbered WHERE ${inTrain}`,
    )
    await db.run(`CREATE TEMP TABLE holdout AS SELECT * FROM numbered WHERE ${inHoldout}`)

    const rows = await countRows(db, time)
    for (const part of ['train', 'holdout'] as const) {
      if (rows[part] > 0) continue
      const range =
        part === 'train'
          ? `${train.from ?? 'the beginning'} until ${train.until}`
          : `${holdout.from} until ${holdout.until}`
      throw new MlforgeError(
        'split_invalid',
        `No row has ${column} from ${range} (${part}); the table holds ${rows.first} to ${rows.last}.`,
        { problems: [{ at: part, message: 'holds no row' }] },
      )
    }
    await checkLabels(db, target)

    const warnings: SplitWarning[] = []
    if (rows.timeless > 0) {
      warnings.push({
        code: 'rows_without_time',
        message: `${rows.timeless} rows have no ${column} and are in neither part.`,
      })
    }
    warnings.push(...(await infiniteFeatures(db, split)))
    const leak = await leakage(db, split, rows.train)
    if (leak !== null) warnings.push({ code: 'target_leakage', message: leakMessage(target, leak), leak })

    const trainFile = join(directory, 'train.parquet')
    const holdoutFile = join(directory, 'holdout.parquet')
    if (split.permuteTarget === undefined) {
      await write(db, `SELECT ${columns} FROM train ORDER BY __row`, trainFile)
    } else {
      const { seed } = split.permuteTarget
      await db.appendIntegers('shuffled', permutation(rows.train, seed))
      const others = splitColumns(split)
        .filter(other => other !== target)
        .map(other => `a.${name(other)}`)
      await write(
        db,
        `SELECT ${others.join(', ')}, b.${name(target)} FROM train a JOIN shuffled p ON a.__at = p.i
          JOIN train b ON b.__at = p.value ORDER BY a.__row`,
        trainFile,
      )
      warnings.push({
        code: 'target_permuted',
        message: `${target} was shuffled over the ${rows.train} training rows with seed ${seed}, as asked: no model can learn from them.`,
      })
    }
    await write(db, `SELECT ${columns} FROM holdout ORDER BY __row`, holdoutFile)
    return {
      train: { file: trainFile, rows: rows.train },
      holdout: { file: holdoutFile, rows: rows.holdout },
      unused: rows.all - rows.train - rows.holdout,
      warnings,
    }
  })
}

async function countRows(
  db: DuckDb,
  time: string,
): Promise<{ train: number; holdout: number; all: number; timeless: number; first: string; last: string }> {
  const [found] =
    await db.query(`SELECT (SELECT count(*) FROM train) AS train, (SELECT count(*) FROM holdout) AS holdout,
    count(*) AS "all", count(*) FILTER (${time} IS NULL) AS timeless,
    min(${time})::VARCHAR AS first, max(${time})::VARCHAR AS last FROM t`)
  return found as unknown as Awaited<ReturnType<typeof countRows>>
}

async function write(db: DuckDb, query: string, file: string): Promise<void> {
  await db.run(`COPY (${query}) TO ${text(file)} (FORMAT parquet, COMPRESSION zstd)`)
}

async function checkLabels(db: DuckDb, target: string): Promise<void> {
  const label = name(target)
  const broken = `(${label} IS NULL OR NOT isfinite(${label}::DOUBLE))`
  const both = `(SELECT __row, ${label} FROM train UNION ALL SELECT __row, ${label} FROM holdout)`
  const [count] = await db.query(`SELECT count(*) AS n FROM ${both} WHERE ${broken}`)
  const total = count!['n'] as number
  if (total > 0) {
    const rows = await db.query(
      `SELECT __row + 1 AS "row", ${label} AS label FROM ${both} WHERE ${broken} ORDER BY 1 LIMIT ${LISTED}`,
    )
    const listed = rows.map(row => ({ row: row['row'] as number, value: row['label'] ?? null }))
    throw new MlforgeError(
      'label_invalid',
      `${total} rows have no usable ${target}: row ${listed[0]!.row} holds ${String(listed[0]!.value)}. Correct them, or leave them out of the data.`,
      {
        problems: listed.map(({ row, value }) => ({
          at: `row ${row}`,
          message: `${target} is ${value ?? 'missing'}`,
        })),
        rowCount: total,
      },
    )
  }
  const [range] = await db.query(`SELECT min(${label}) AS least, max(${label}) AS greatest FROM train`)
  if (range!['least'] === range!['greatest']) {
    throw new MlforgeError(
      'target_invalid',
      `The target ${target} is ${String(range!['least'])} in every training row: there is nothing to learn. Choose another target or window.`,
      { problems: [{ at: 'target', message: 'is constant' }] },
    )
  }
}

async function infiniteFeatures(db: DuckDb, { features }: TimeSplit): Promise<SplitWarning[]> {
  const counts = features.map((feature, i) => `count(*) FILTER (isinf(${name(feature)}::DOUBLE)) AS f${i}`)
  const list = features.map(name).join(', ')
  const [found] = await db.query(
    `SELECT ${counts.join(', ')} FROM (SELECT ${list} FROM train UNION ALL SELECT ${list} FROM holdout)`,
  )
  return features.flatMap((feature, i) => {
    const count = found![`f${i}`] as number
    return count === 0
      ? []
      : [{ code: 'infinite_feature' as const, message: `${feature} is infinite in ${count} rows.` }]
  })
}

async function leakage(db: DuckDb, { features, target }: TimeSplit, rows: number): Promise<Leak | null> {
  const enough = Math.max(LEAK_PRODUCTS / (features.length + 1) ** 2, 4 * (features.length + 10))
  const step = Math.ceil(rows / Math.min(LEAK_ROWS, enough))
  const wanted = [...features, target].map((column, i) => `${name(column)}::DOUBLE AS c${i}`)
  const columns = await db.numbers(
    `SELECT ${wanted.join(', ')} FROM train WHERE __at % ${step} = 0 ORDER BY __at`,
  )
  return findLeak(features, columns.slice(0, -1), columns.at(-1)!)
}

function leakMessage(target: string, { features, coefficients, intercept, r2 }: Leak): string {
  const short = (value: number): string => String(Number(value.toPrecision(6)))
  const terms = features.map(feature => `${short(coefficients[feature]!)} x ${feature}`)
  const constant = Math.abs(intercept) < 1e-6 ? [] : [short(intercept)]
  return `${features.join(' and ')} give${features.length === 1 ? 's' : ''} the target away: ${target} = ${[...terms, ...constant].join(' + ')} (R2 ${r2.toFixed(6)} on the training rows). Leave out what is not known at prediction time.`
}
