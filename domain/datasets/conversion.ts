import { canonicalJson } from '../canonical-json.js'
import { MlforgeError } from '../errors.js'
import type { CsvDelimiter } from './csv-header.js'
import { type FileForm, type TableFormat, unusualOf, type UnusualReading } from './reading.js'
import type { ColumnType, Schema } from './schema.js'

export interface ConversionColumn {
  readonly name: string
  readonly type: ColumnType
  readonly format?: string
}

/** All that decides, with the raw bytes and the engine, what the converted table holds. */
export interface ConversionSpec extends Omit<UnusualReading, 'format'> {
  readonly format: TableFormat
  /** Of CSV. */
  readonly delimiter?: CsvDelimiter
  /** The columns as the file has them. */
  readonly header: readonly string[]
  /** The columns as the table has them: the same names, perhaps in another order. */
  readonly columns: readonly ConversionColumn[]
  /** Texts that stand for a missing value. */
  readonly nullValues: readonly string[]
}

/** Texts that stand for a missing value: in CSV the empty one always does. */
export function nullTexts(format: TableFormat, more: readonly string[] = []): readonly string[] {
  const others = more.filter(each => each !== '')
  return format === 'csv' ? ['', ...others] : others
}

/** A conversion without its types. */
export function formOf({ format, delimiter, header, ...rest }: ConversionSpec): FileForm {
  return {
    ...(format !== 'csv' && { format }),
    ...(delimiter && { delimiter }),
    columns: header,
    ...unusualOf(rest),
  }
}

/** How a file is read with these types. */
export function conversionOf(
  form: FileForm,
  columns: readonly ConversionColumn[],
  nullValues: readonly string[],
): ConversionSpec {
  const { format = 'csv', delimiter, columns: header } = form
  const { format: _, ...unusual } = unusualOf(form)
  return {
    format,
    ...(format === 'csv' && { delimiter: delimiter ?? ',' }),
    header,
    columns: columns.map(({ name, type, format: written }) => ({
      name,
      type,
      ...(written !== undefined && { format: written }),
    })),
    nullValues: nullTexts(format, nullValues),
    ...unusual,
  }
}

/** Canonical JSON whose sha256 is the root of a dataset version: same input, same version. */
export function identityInput(rawSha256: string, conversion: ConversionSpec, engineVersion: string): string {
  const { format, delimiter, header, columns, nullValues, encoding, quote, headless, ragged } = conversion
  return canonicalJson({
    raw: rawSha256,
    engine: engineVersion,
    conversion: {
      format,
      delimiter,
      header,
      columns: columns.map(({ name, type, format: written }) => ({ name, type, format: written })),
      nullValues,
      ...{ encoding, quote, headless, ragged },
    },
  })
}

export interface SchemaDifference {
  readonly column: string
  readonly kind: 'added' | 'removed' | 'type'
  readonly message: string
}

/** What a file's columns have gained or lost against a schema; another order is no difference. */
export function schemaDifferences(previous: Schema, header: readonly string[]): SchemaDifference[] {
  const known = previous.map(column => column.name)
  return [
    ...known
      .filter(name => !header.includes(name))
      .map(column => ({ column, kind: 'removed' as const, message: `column "${column}" is missing` })),
    ...header
      .filter(name => !known.includes(name))
      .map(column => ({ column, kind: 'added' as const, message: `column "${column}" is new` })),
  ]
}

export function schemaChanged(differences: readonly SchemaDifference[]): MlforgeError {
  return new MlforgeError(
    'schema_changed',
    `The file does not have the schema of the last version: ${differences.map(d => d.message).join('; ')}. Correct the file, or make it the first version of another dataset.`,
    {
      differences,
      problems: differences.map(({ column, message }) => ({ at: `columns.${column}`, message })),
    },
  )
}

/**
 * How a next version is read: with the types and formats of the last, never inferred.
 * @throws MlforgeError schema_changed
 */
export function conversionLike(
  previous: Schema,
  form: FileForm,
  nullValues: readonly string[] = [],
): ConversionSpec {
  const differences = schemaDifferences(previous, form.columns)
  if (differences.length > 0) throw schemaChanged(differences)
  return conversionOf(form, previous, nullValues)
}
