import { access } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { Column, ColumnDeclaration, ColumnType } from '../../contracts/rest/datasets.js'
import { MlforgeError } from '../../domain/errors.js'
import { csvTexts, typedColumns } from './csv.js'
import type { View } from './read.js'
import { type LocalOptions, type Prepare, Session, SOURCE } from './session.js'
import { assertDistinct, chunks, type Given, invalid, stageOf } from './stage.js'
import { castTo, columnTypeOf, explained, name, readAs, text } from './sql.js'

export type Declared = Readonly<Record<string, ColumnDeclaration | ColumnType>>

export interface LocalTableOptions extends LocalOptions {
  /** Types by column; the others are found. Dates and timestamps in text are never guessed: declare them. */
  readonly columns?: Declared
}

const STAGE = 'staged'

/** A Parquet file as it is; it has to stay as long as the dataset is open. */
export function openParquet(file: string, options: LocalOptions): Promise<[Session, View]> {
  const path = resolve(file)
  return opened(options, path, () =>
    Promise.resolve({ sql: `SELECT * FROM read_parquet(${text(path)})`, files: [path] }),
  )
}

/** A CSV file, read once. */
export function openCsv(file: string, options: LocalTableOptions): Promise<[Session, View]> {
  const path = resolve(file)
  return opened(options, path, async (session, directory) => {
    const texts = await csvTexts(path)
    const declared = declarationsOf(options.columns ?? {}, texts.names)
    return stored(session, directory, await typedColumns(session, texts, declared), texts.from)
  })
}

/** @throws MlforgeError types_mixed, duplicate_columns, no_rows, invalid_request */
export function openColumns(
  columns: Readonly<Record<string, readonly Given[]>>,
  options: LocalTableOptions,
): Promise<[Session, View]> {
  const names = Object.keys(columns)
  const rows = columns[names[0] ?? '']?.length ?? 0
  const other = names.find(each => columns[each]!.length !== rows)
  if (other !== undefined) {
    throw invalid(other, `has ${columns[other]!.length} values, and "${names[0]}" has ${rows}`)
  }
  if (names.length === 0) throw invalid('columns', 'are none: give one or more')
  assertDistinct(names)
  return opened(options, null, async (session, directory) => {
    const declared = declarationsOf(options.columns ?? {}, names)
    const stages = names.map(each => stageOf(each, columns[each]!, declared.get(each)))
    const definition = names.map((each, i) => `${name(each)} ${stages[i]!.type.toString()}`)
    await session.run(`CREATE TABLE ${STAGE} (${definition.join(', ')})`)
    await session.append(
      STAGE,
      chunks(
        names.map(each => columns[each]!),
        stages,
        rows,
      ),
    )
    const reads = names.map((each, i) => readAs(each, declared.get(each) ?? { type: stages[i]!.as }))
    const prepared = await stored(session, directory, reads, STAGE)
    await session.run(`DROP TABLE ${STAGE}`)
    return prepared
  })
}

/** A map, as columns may have the names of what every object has. @throws MlforgeError unknown_column */
function declarationsOf(declared: Declared, names: readonly string[]): Map<string, ColumnDeclaration> {
  const unknown = Object.keys(declared).filter(each => !names.includes(each))
  if (unknown.length > 0) {
    const problems = unknown.map(at => ({ at: `columns.${at}`, message: 'is no column' }))
    throw new MlforgeError(
      'unknown_column',
      `There is no column "${unknown[0]}". There are: ${names.join(', ')}.`,
      { problems },
    )
  }
  return new Map(
    Object.entries(declared).map(([column, type]) => [column, typeof type === 'string' ? { type } : type]),
  )
}

async function stored(session: Session, directory: string, columns: readonly string[], from: string) {
  const file = join(directory, 'table.parquet')
  await session.run(
    `COPY (SELECT ${columns.join(', ')} FROM ${from}) TO ${text(file)} (FORMAT parquet, COMPRESSION zstd)`,
  )
  return { sql: `SELECT * FROM read_parquet(${text(file)})`, files: [] }
}

/** A session on what was prepared, with columns of the types that tables have. */
async function opened(
  options: LocalOptions,
  file: string | null,
  prepare: Prepare,
): Promise<[Session, View]> {
  if (file !== null) await assertThere(file)
  try {
    const session = await Session.open(asTable(prepare), options)
    try {
      return [session, await viewOf(session)]
    } catch (error) {
      await session.close()
      throw error
    }
  } catch (error) {
    throw explained(error, file === null ? 'The table' : `"${file}"`)
  }
}

/** What was prepared, each column as one of the types of tables. */
export function asTable(prepare: Prepare): Prepare {
  return async (session, directory) => {
    const { sql, files } = await prepare(session, directory)
    const described = await session.query(`DESCRIBE ${sql}`)
    const columns = described.map(each => {
      const [column, type] = [String(each['column_name']), String(each['column_type'])]
      return castTo(columnTypeOf(column, type), column, type)
    })
    return { sql: `SELECT ${columns.join(', ')} FROM (${sql})`, files }
  }
}

async function viewOf(session: Session): Promise<View> {
  const described = await session.query(`DESCRIBE ${SOURCE}`)
  const names = described.map(each => String(each['column_name']))
  const counts = names.map((column, i) => `count(${name(column)}) AS n${i}`)
  const [found] = await session.query(`SELECT count(*) AS "all", ${counts.join(', ')} FROM ${SOURCE}`)
  const rows = Number(found!['all'])
  const schema = described.map((each, i): Column => {
    const type = columnTypeOf(names[i]!, String(each['column_type']))
    return { name: names[i]!, type, nullable: Number(found![`n${i}`]) < rows }
  })
  return { sql: `SELECT * FROM ${SOURCE}`, schema, rows }
}

async function assertThere(file: string): Promise<void> {
  await access(file).catch((error: Error) => {
    throw new MlforgeError('not_found', `"${file}" cannot be read: ${error.message}.`)
  })
}
