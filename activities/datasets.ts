import type { EntityManager } from 'typeorm'
import type {
  CommitOutcome,
  IngestOutcome,
  ProfileOutcome,
  RunInput,
  ValidateOutcome,
} from '../contracts/temporal/messages.js'
import type { Json } from '../domain/canonical-json.js'
import { MAIN } from '../domain/data/selector.js'
import type { CommitRequest } from '../domain/datasets/commit-request.js'
import { conversionLike, type ConversionSpec, identityInput } from '../domain/datasets/conversion.js'
import type { FileForm } from '../domain/datasets/reading.js'
import type { Schema } from '../domain/datasets/schema.js'
import { MlforgeError } from '../domain/errors.js'
import { checkAccepted } from '../domain/expectations/accepted.js'
import type { Result } from '../domain/expectations/results.js'
import { effectKey } from '../domain/names.js'
import { engineVersion } from '../stores/duckdb/engine-version.js'
import { proposeTypes } from '../stores/duckdb/propose-types.js'
import { profileTable } from '../stores/duckdb/profile.js'
import { sha256Hex } from '../stores/ids.js'
import { writes } from '../stores/lineage-scope.js'
import { hasTable } from '../stores/postgres/dataset-store.js'
import type { DatasetVersion } from '../stores/postgres/entities/dataset.js'
import type { Effect } from '../stores/postgres/ledger-store.js'
import { assertTableObjects, missingTableObject, UNUSED_DAYS } from '../stores/postgres/table-objects.js'
import { commitSource } from './commit-source.js'
import { checkTable, warnOfAll } from './expectations.js'
import { beatWhile } from './heartbeats.js'
import { readJson, tableJson, writeTableFile } from './objects.js'
import type { Ports } from './ports.js'
import { withScratch } from './scratch.js'
import { onceStep, outcomeOf } from './step.js'
import { convertSource, openSource } from './table-conversion.js'

/** What ingest found out about a table; kept as an object, since wide tables have long schemas. */
interface TableDescription {
  readonly conversion: ConversionSpec
  readonly schema: Schema
  /** How the types were inferred; null where they are those of the last version. */
  readonly proposal: unknown
}

type DatasetPorts = Pick<
  Ports,
  'runs' | 'ledger' | 'wakes' | 'datasets' | 'transformations' | 'objects' | 'scratch'
>

export function datasetActivities(ports: DatasetPorts) {
  const { runs, ledger, datasets, objects, scratch } = ports
  const requestOf = async (input: RunInput) =>
    (await runs.get(input.project, input.runId)).request as CommitRequest

  /** A step with a directory of its own that beats while it works. */
  const step = <T extends object>(
    input: RunInput,
    name: string,
    what: string,
    work: (request: CommitRequest, directory: string, signal: AbortSignal) => Promise<T | Effect<T>>,
  ) =>
    onceStep<T>(ports, input, name, () =>
      withScratch(scratch, directory =>
        beatWhile(what, async signal => work(await requestOf(input), directory, signal)),
      ),
    )

  /** What ingest has stored is kept for a while only after a run that has ended: a retry may come too late. */
  async function assertKept(
    transaction: EntityManager,
    { runId }: RunInput,
    table: IngestOutcome,
  ): Promise<void> {
    const uri = await missingTableObject(transaction, urisOf(table), objects)
    if (uri !== null) throw uploadGone(runId, uri)
  }
  /** The same of what a version does not name, but is made from. */
  const readKept = async <T>({ runId }: RunInput, { uri }: { readonly uri: string }): Promise<T> => {
    try {
      return await readJson<T>(objects, uri)
    } catch (error) {
      if (error instanceof MlforgeError && error.code === 'object_missing') throw uploadGone(runId, uri)
      throw error
    }
  }

  return {
    /** The file as typed Parquet: a first version by inference, later ones by the last version's schema. */
    async ingest(input: RunInput): Promise<IngestOutcome> {
      return step(input, 'ingest', 'converting to Parquet', async (request, directory, signal) => {
        const { project } = input
        const work = { directory, signal }
        const source = await commitSource(ports, request, { project, directory, signal })
        const opened = await openSource(objects, source, work)
        const { file, form } = opened
        const head = await datasets.head(project, input.name, request.branch ?? MAIN)
        // Files alone have no schema that a table could be read with.
        const last = head !== null && hasTable(head) ? head : null
        const { conversion, proposal } = last
          ? { conversion: inherited(last, form, request), proposal: null }
          : await proposed(file, form, request, { signal, temporaryDirectory: directory })
        const { badRows } = request
        const { rows, schema, quarantined, parquetFile, quarantineFile } = await convertSource(
          opened,
          conversion,
          { inherited: last !== null, badRows },
          work,
        )
        const description: TableDescription = { conversion, schema, proposal }
        const raw = { uri: source.uri, sha256: source.sha256, bytes: source.bytes }
        const parquet = await writeTableFile(objects, project, parquetFile)
        const quarantine =
          quarantined > 0
            ? { ...(await writeTableFile(objects, project, quarantineFile)), rows: quarantined }
            : null
        const outcome: IngestOutcome = {
          raw,
          parquet,
          rows,
          ...(quarantine && { quarantine }),
          root: sha256Hex(identityInput(source.sha256, conversion, engineVersion(conversion.format))),
          description: await tableJson(objects, project, description as unknown as Json),
        }
        return async transaction => {
          await assertTableObjects(transaction, [...urisOf(outcome), outcome.description.uri], objects)
          return outcome
        }
      })
    },

    async validate(input: RunInput): Promise<ValidateOutcome> {
      return step(input, 'validate', 'checking expectations', async (request, directory, signal) => {
        const table = await outcomeOf<IngestOutcome>(ledger, input, 'ingest')
        const { schema } = await readJson<TableDescription>(objects, table.description.uri)
        const expectations = checkAccepted(request.expectations, schema)
        const last = await datasets.head(input.project, input.name, request.branch ?? MAIN)
        if (expectations.length > 0) writes({ kind: 'report', run: input.runId })
        const { results, ...found } = await checkTable(ports, {
          project: input.project,
          parquet: table.parquet,
          expectations,
          previousRows: last !== null && hasTable(last) ? Number(last.rows) : undefined,
          directory,
          signal,
        })
        const outcome = request.failedExpectations === 'quarantine' ? intoQuarantine(found, results) : found
        return async transaction => {
          await assertTableObjects(transaction, [outcome.report.uri], objects)
          return outcome
        }
      })
    },

    async profile(input: RunInput): Promise<ProfileOutcome> {
      return step(input, 'profile', 'profiling', async (_request, directory, signal) => {
        const table = await outcomeOf<IngestOutcome>(ledger, input, 'ingest')
        const file = await objects.toFile(table.parquet.uri, directory)
        const found = await profileTable(file, { signal, temporaryDirectory: directory })
        const profile = await tableJson(objects, input.project, found as unknown as Json)
        return async transaction => {
          await assertTableObjects(transaction, [profile.uri], objects)
          return { profile }
        }
      })
    },

    /** Makes the version visible: one transaction with the step's ledger row. */
    async commitVersion(input: RunInput): Promise<CommitOutcome> {
      return onceStep<CommitOutcome>(ports, input, 'commit', async () => {
        const { principal, request: asked } = await runs.get(input.project, input.runId)
        const request = asked as CommitRequest
        const table = await outcomeOf<IngestOutcome>(ledger, input, 'ingest')
        const checked = await outcomeOf<ValidateOutcome>(ledger, input, 'validate')
        const profiled = await outcomeOf<ProfileOutcome>(ledger, input, 'profile')
        const description = await readKept<TableDescription>(input, table.description)
        const { conversion, schema, proposal } = description
        const expectations = await readKept(input, checked.report)
        const profile = await readKept(input, profiled.profile)
        return async transaction => {
          await assertKept(transaction, input, table)
          const { version, created } = await datasets.commit(transaction, input.project, input.name, {
            root: table.root,
            branch: request.branch ?? MAIN,
            quarantined: checked.quarantined ?? false,
            files: null,
            table: {
              rows: String(table.rows),
              ...(table.quarantine && { quarantine: table.quarantine }),
              raw: table.raw,
              parquet: table.parquet,
              schema,
              conversion,
              proposal,
              expectations,
              suite: request.suite ?? null,
              profile,
            },
            message: request.message,
            author: null,
            principal,
            runId: input.runId,
            effectKey: effectKey(input, 'commit'),
          })
          writes({ kind: 'dataset', name: input.name, version: version.version })
          const { branch } = version
          return {
            version: version.version,
            root: version.root,
            created,
            ...(checked.quarantined && { branch }),
          }
        }
      })
    },
  }
}

/** What would be refused is kept apart, with warnings that say why. */
function intoQuarantine(
  { refused, ...outcome }: ValidateOutcome,
  results: readonly Result[],
): ValidateOutcome {
  if (!refused) return outcome
  return { ...outcome, quarantined: true, warned: ['kept in quarantine', ...warnOfAll(results)] }
}

function uploadGone(runId: string, uri: string): MlforgeError {
  return new MlforgeError(
    'not_found',
    `The upload of run ${runId}, or what was made of it, is gone: object ${uri} was removed, since it is kept for ${UNUSED_DAYS} days after a run ends badly. Commit the data again.`,
    { uri },
  )
}

/** Objects that the version of a table names. */
function urisOf({ raw, parquet, quarantine }: IngestOutcome): string[] {
  return [raw, parquet, ...(quarantine ? [quarantine] : [])].map(({ uri }) => uri)
}

export type DatasetActivities = ReturnType<typeof datasetActivities>

function inherited(last: DatasetVersion, form: FileForm, request: CommitRequest): ConversionSpec {
  const { columns } = request
  const schema = last.schema as Schema
  const differing = Object.entries(columns).filter(([name, declared]) => {
    const known = schema.find(column => column.name === name)
    return (
      known &&
      ((declared.type ?? known.type) !== known.type || (declared.format ?? known.format) !== known.format)
    )
  })
  if (differing.length > 0) {
    const problems = differing.map(([name]) => ({
      at: `columns.${name}`,
      message: `is declared otherwise than in version ${last.version}, whose schema every next version is read with`,
    }))
    throw new MlforgeError('schema_changed', `${problems[0]!.at} ${problems[0]!.message}.`, { problems })
  }
  const { nullValues } = request.nullValues.length > 0 ? request : (last.conversion as ConversionSpec)
  return conversionLike(schema, form, nullValues)
}

async function proposed(
  file: string,
  form: FileForm,
  request: CommitRequest,
  options: { signal: AbortSignal; temporaryDirectory: string },
) {
  const { columns, nullValues } = request
  const found = await proposeTypes(file, form, columns, { ...options, nullValues })
  return { conversion: found.conversion, proposal: found.columns }
}
