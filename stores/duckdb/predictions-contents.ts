import type { WindowContent } from '../../domain/drift/window-basis.js'
import type { TimeRange } from '../../domain/drift/windows.js'
import { type DuckDbOptions, text } from './duckdb.js'
import { eventTimeSql, type PredictionSource, withPredictions } from './predictions.js'

/** What the rows of a window are, without what was never logged. */
export type LoggedContent = Omit<WindowContent, 'dropped'>

/** XOR of 64 bits of MD5: the same for the same lines in any order, and in any version of the database. */
const hashOf = (line: string, where: string): string =>
  `CAST(bit_xor(md5_number_lower(${line})) FILTER (${where}) AS VARCHAR)`

/** Contents of windows, in one pass over all rows, in the order of the windows. */
export async function windowContents(
  source: PredictionSource,
  windows: readonly TimeRange[],
  options: DuckDbOptions = {},
): Promise<LoggedContent[]> {
  if (windows.length === 0) return []
  const listed = windows.map(({ start, end }, at) => `(${at}, ${start}, ${end})`)
  return withPredictions(source, options, async db => {
    const found = await db.query(`SELECT w.at AS "at", count(a.id) AS "rows", count(label) AS labelled,
        ${hashOf(`concat_ws('/', a.id, version, output)`, 'a.id IS NOT NULL')} AS "rowsHash",
        ${hashOf(`concat_ws('/', a.id, label)`, 'label IS NOT NULL')} AS "labelsHash"
      FROM (VALUES ${listed.join(', ')}) w ("at", "from", "to")
      LEFT JOIN (SELECT id, version, output, label, epoch_ms(event_time) AS ms
        FROM answered LEFT JOIN labels USING (id)) a ON a.ms >= w."from" AND a.ms < w."to"
      GROUP BY w.at ORDER BY w.at`)
    return found.map(({ rows, labelled, rowsHash, labelsHash }) => ({
      rows: rows as number,
      labelled: labelled as number,
      rowsHash: (rowsHash as string | null) ?? '0',
      labelsHash: (labelsHash as string | null) ?? '0',
    }))
  })
}

/** Writes the labels of the answered rows of a range, as `writeLabels` writes all. */
export async function writeLabelsWithin(
  source: PredictionSource,
  { start, end }: TimeRange,
  outFile: string,
  options: DuckDbOptions = {},
): Promise<void> {
  await withPredictions(source, options, db =>
    db.run(`COPY (SELECT id, label FROM answered JOIN labels USING (id)
      WHERE ${eventTimeSql({ from: start, to: end })} ORDER BY id) TO ${text(outFile)} (FORMAT parquet, COMPRESSION zstd)`),
  )
}

const DAY_MS = 86_400_000

/** Ranges of the days in a column `day`, in order. */
export function joinDays(rows: readonly Record<string, unknown>[]): TimeRange[] {
  const ranges: { start: number; end: number }[] = []
  for (const { day } of rows) {
    const start = day as number
    const last = ranges.at(-1)
    if (last?.end === start) last.end += DAY_MS
    else ranges.push({ start, end: start + DAY_MS })
  }
  return ranges
}
