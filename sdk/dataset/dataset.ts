import type { Table } from 'apache-arrow'
import type { Column, DatasetVersion, ExpectationResult } from '../../contracts/rest/datasets.js'
import type { TableProfile } from '../../contracts/rest/profiles.js'
import type { Validation, ValidationPlan } from '../../contracts/rest/suites.js'
import { MlforgeError } from '../../domain/errors.js'
import type { TransformationStep } from '../../contracts/rest/transformations.js'
import { versionPath } from '../data/paths.js'
import { Profiles } from '../data/profiles.js'
import { Suites } from '../data/suites.js'
import { failedRun } from '../failed-run.js'
import type { Rest } from '../rest.js'
import type { Pair } from './deal.js'
import { type LocalTableOptions, openColumns, openCsv, openParquet } from './local.js'
import { batches, columnsFrom, type ReadOptions, select, type View } from './read.js'
import { type LoadOptions, openVersion } from './remote.js'
import { save, type Saved, type SaveOptions } from './save.js'
import type { LocalOptions } from './session.js'
import { lazily, opened, type Source } from './source.js'
import { atRandom, byTime, type FoldSplit, intoFolds, type RandomSplit, type TimeCut } from './split.js'
import type { Given } from './stage.js'
import {
  fit,
  type FitOptions,
  type FittedVersion,
  transform,
  type TransformOptions,
} from './transformations.js'
import type { Batch, Row, Value } from './values.js'

/** Rows of a batch where nothing is said. */
const BATCH = 10_000

/** What the expectations of a suite found in a version. */
export interface Validated {
  /** False where an expectation of severity error does not hold. */
  readonly passed: boolean
  /** How they were measured: the scans, and which expectations each answers. */
  readonly plan: ValidationPlan
  readonly results: readonly ExpectationResult[]
  readonly validation: Validation
}

interface Identity {
  readonly rest: Rest
  readonly record: DatasetVersion
}

/**
 * A table: a version of a dataset, a local one, or a part of either. Rows are read by DuckDB in this process, a few
 * thousand at a time, in the order of the table. Close it, or declare it by `await using`: its parts close with it.
 */
export class Dataset implements AsyncDisposable {
  private constructor(
    private readonly source: Source,
    private readonly view: View,
    private readonly identity: Identity | null,
    private readonly isPart = false,
  ) {}

  /**
   * A version, by `name@selector`: a number, `latest` (the default), a branch, a tag or an instant in braces. Its
   * rows are fetched when they are first asked for, into a cache that all processes of a user share.
   * @throws Refused not_found; MlforgeError no_table, version_retired
   */
  static async load(rest: Rest, reference: string, options: LoadOptions = {}): Promise<Dataset> {
    const [name = '', selector = 'latest', ...more] = reference.split('@')
    if (name === '' || selector === '' || more.length > 0) {
      throw new MlforgeError('invalid_request', `"${reference}" names no version: give name@selector.`)
    }
    const record = await rest.get<DatasetVersion>(versionPath(name, selector))
    const [open, view] = openVersion(rest, record, options)
    return new Dataset(lazily(open), view, { rest, record })
  }

  /** A local table out of objects; a column is missing where an object lacks it. @throws MlforgeError types_mixed, duplicate_columns */
  static fromRows(
    rows: readonly Readonly<Record<string, Given>>[],
    options: LocalTableOptions = {},
  ): Promise<Dataset> {
    const names = new Set([...Object.keys(options.columns ?? {}), ...rows.flatMap(row => Object.keys(row))])
    const columns = [...names].map(
      name => [name, rows.map(row => (Object.hasOwn(row, name) ? row[name] : undefined))] as const,
    )
    return Dataset.fromColumns(Object.fromEntries(columns), options)
  }

  static async fromColumns(
    columns: Readonly<Record<string, readonly Given[]>>,
    options: LocalTableOptions = {},
  ): Promise<Dataset> {
    return new Dataset(...opened(await openColumns(columns, options)), null)
  }

  /** A Parquet file, which is read where it is. */
  static async fromParquet(file: string, options: LocalOptions = {}): Promise<Dataset> {
    return new Dataset(...opened(await openParquet(file, options)), null)
  }

  /** A CSV file. Dates are text unless they are declared. */
  static async fromCsv(file: string, options: LocalTableOptions = {}): Promise<Dataset> {
    return new Dataset(...opened(await openCsv(file, options)), null)
  }

  /** Of the dataset that it is a version of; null for a local table or a part. */
  get name(): string | null {
    return this.identity?.record.dataset ?? null
  }

  get version(): number | null {
    return this.identity?.record.version ?? null
  }

  /** The identity of its content. */
  get root(): string | null {
    return this.identity?.record.root ?? null
  }

  get schema(): readonly Column[] {
    return this.view.schema
  }

  get rows(): number {
    return this.view.rows
  }

  /**
   * Rows as they are read, of which never more are in memory.
   * @throws MlforgeError unknown_column, query_invalid
   */
  async *batches({
    size = BATCH,
    ...options
  }: ReadOptions & { readonly size?: number } = {}): AsyncGenerator<Batch> {
    yield* batches(await this.select(options), size)
  }

  /** @throws MlforgeError unknown_column, query_invalid */
  async toRows(options: ReadOptions = {}): Promise<Row[]> {
    const rows: Row[] = []
    for await (const batch of this.batches(options)) for (const row of batch.toRows()) rows.push(row)
    return rows
  }

  /** @throws MlforgeError unknown_column, query_invalid */
  async toColumns(options: ReadOptions = {}): Promise<Record<string, Value[]>> {
    return columnsFrom(await this.select(options))
  }

  /**
   * A table of Apache Arrow: integer is Int64, number Float64, string Utf8, boolean Bool, date Date32, timestamp
   * Timestamp of microseconds.
   * @throws MlforgeError unknown_column, query_invalid
   */
  async toArrow(options: ReadOptions = {}): Promise<Table> {
    const { arrowTable } = await import('./arrow.js')
    return arrowTable(await this.select(options))
  }

  /**
   * Parts that are read from the same file: together all rows, and none in both.
   * By a `test` share and a `seed`, by `folds` and a `seed`, or by a time `column` and `until`.
   * @throws MlforgeError split_invalid, unknown_column
   */
  split(how: RandomSplit | TimeCut): Promise<Pair<Dataset>>
  split(how: FoldSplit): Promise<Pair<Dataset>[]>
  async split(how: RandomSplit | TimeCut | FoldSplit): Promise<Pair<Dataset> | Pair<Dataset>[]> {
    const session = await this.source.session()
    const parts = ({ train, test }: Pair<View>): Pair<Dataset> => ({
      train: new Dataset(this.source, train, null, true),
      test: new Dataset(this.source, test, null, true),
    })
    if ('folds' in how) return (await intoFolds(session, this.view, how)).map(parts)
    return parts(
      await ('column' in how ? byTime : atRandom)(session, this.view, how as RandomSplit & TimeCut),
    )
  }

  /**
   * Makes its rows the next version of a dataset, which its first version makes. Ends when the commit has. Called
   * again after a crash, it is the same version.
   * @throws MlforgeError of a commit that failed, no_rows; Refused where the server takes no commit
   */
  async save(rest: Rest, name: string, options: SaveOptions = {}): Promise<Saved> {
    return save(rest, await this.source.session(), this.view, name, options)
  }

  /**
   * Checks the version by the suite of its dataset. What does not hold is a result, and no exception.
   * @param suite version of the suite, the current one where left out
   * @throws MlforgeError wrong_state for what is no version; of a check that failed
   */
  async validate(suite?: number): Promise<Validated> {
    const { rest, record } = this.saved('validated')
    const asked = { version: String(record.version), ...(suite === undefined ? {} : { suite }) }
    const { validation, ...found } = await new Suites(rest, record.dataset).check(asked)
    const { status } = validation
    if (status === 'succeeded' || status === 'refused')
      return { passed: status === 'succeeded', ...found, validation }
    throw failedRun(validation, 'Validation')
  }

  /**
   * Fits steps to the rows of the version, by a workflow: what they learn is the next version of a transformation.
   * @throws MlforgeError wrong_state for what is no version, of a fit that failed; Refused
   */
  async fit(
    transformation: string,
    steps: readonly TransformationStep[],
    options: FitOptions = {},
  ): Promise<FittedVersion> {
    const { rest, record } = this.saved('learned from')
    return fit(rest, record, transformation, steps, options)
  }

  /**
   * What a transformation makes of the version, by a workflow: a version of the dataset `into`, loaded.
   * @param transformation `name@version`, or `name` for its newest
   * @throws MlforgeError wrong_state for what is no version, of a commit that failed or was refused; Refused
   */
  async transform(
    transformation: string,
    { cacheDirectory, ...options }: TransformOptions & Pick<LoadOptions, 'cacheDirectory'>,
  ): Promise<Dataset> {
    const { rest, record } = this.saved('transformed')
    const version = await transform(rest, record, transformation, options)
    const where = cacheDirectory === undefined ? {} : { cacheDirectory }
    return Dataset.load(rest, `${options.into}@${version}`, where)
  }

  /** What the rows of the version are like, as it was found when it was committed. @throws MlforgeError wrong_state */
  async profile(): Promise<TableProfile> {
    const { rest, record } = this.saved('profiled')
    return new Profiles(rest, record.dataset).get(String(record.version))
  }

  /** Ends what is being read, and removes temporary files. A part is closed by what it is a part of. */
  async close(): Promise<void> {
    if (!this.isPart) await this.source.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  private async select(options: ReadOptions) {
    return select(await this.source.session(), this.view, options)
  }

  private saved(what: string): Identity {
    if (this.identity) return this.identity
    throw new MlforgeError(
      'wrong_state',
      `Only versions can be ${what}: save this table, and load what was saved.`,
    )
  }
}
