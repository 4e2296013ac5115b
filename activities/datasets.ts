import { join } from 'node:path'
import type {
  CommitOutcome,
  IngestOutcome,
  ProfileOutcome,
  RunInput,
  ValidateOutcome,
} from '../contracts/temporal/messages.js'
import type { Json } from '../domain/canonical-json.js'
import { MAIN } from '../domain/data/selector.js'
import { QUARANTINE_FILE } from '../domain/datasets/bad-rows.js'
import type { CommitRequest, CommitSource } from '../domain/datasets/commit-request.js'
import { conversionLike, type ConversionSpec, identityInput } from '../domain/datasets/conversion.js'
import type { CsvDelimiter } from '../domain/datasets/csv-header.js'
import type { FileForm } from '../domain/datasets/reading.js'
import type { Schema } from '../domain/datasets/schema.js'
import { MlforgeError } from '../domain/errors.js'
import { checkAccepted } from '../domain/expectations/accepted.js'
import { effectKey } from '../domain/names.js'
import { alignedFile } from '../stores/duckdb/aligned-file.js'
import { engineVersion } from '../stores/duckdb/engine-version.js'
import { convertToParquet } from '../stores/duckdb/ingest.js'
import { proposeTypes } from '../stores/duckdb/propose-types.js'
import { parquetNames, readableFile } from '../stores/duckdb/readable-file.js'
import { profileTable } from '../stores/duckdb/profile.js'
import { sha256Hex } from '../stores/ids.js'
import { writes } from '../stores/lineage-scope.js'
import { hasTable } from '../stores/postgres/dataset-store.js'
import type { DatasetVersion } from '../stores/postgres/entities/dataset.js'
import { commitSource } from './commit-source.js'
import { checkTable } from './expectations.js'
import { beatWhile } from './heartbeats.js'
import { json, readJson, writeFile } from './objects.js'
import type { Ports } from './ports.js'
import { withScratch } from './scratch.js'
import { onceStep, outcomeOf } from './step.js'

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
    work: (request: CommitRequest, directory: string, signal: AbortSignal) => Promise<T>,
  ) =>
    onceStep<T>(ports, input, name, () =>
      withScratch(scratch, directory =>
        beatWhile(what, async signal => work(await requestOf(input), directory, signal)),
      ),
    )

  return {
    /** The file as typed Parquet: a first version by inference, later ones by the last version's schema. */
    async ingest(input: RunInput): Promise<IngestOutcome> {
      return step(input, 'ingest', 'converting to Parquet', async (request, directory, signal) => {
        const options = { signal, temporaryDirectory: directory }
        const { project } = input
        const source = await commitSource(ports, request, { project, directory, signal })
        const original = await objects.toFile(source.uri, directory)
        const text = await readableFile(original, source.reading ?? {}, directory, signal)
        const form = await formOf(text, source, options)
        const aligned = form.ragged ? await alignedFile(text, form, directory, signal) : null
        const file = aligned?.file ?? text
        const head = await datasets.head(project, input.name, request.branch ?? MAIN)
        // Files alone have no schema that a table could be read with.
        const last = head !== null && hasTable(head) ? head : null
        const { conversion, proposal } = last
          ? { conversion: inherited(last, form, request), proposal: null }
          : await proposed(file, form, request, options)
        const parquetFile = join(directory, 'table.parquet')
        const quarantineFile = join(directory, QUARANTINE_FILE)
        const { rows, schema, quarantined } = await convertToParquet(file, conversion, parquetFile, {
          ...options,
          rows: source.rows,
          ...(aligned && { aligned }),
          inherited: last !== null,
          ...(request.badRows && { quarantine: { allowed: request.badRows, file: quarantineFile } }),
        })
        const description: TableDescription = { conversion, schema, proposal }
        return {
          raw: { uri: source.uri, sha256: source.sha256, bytes: source.bytes },
          parquet: await writeFile(objects, input.project, parquetFile),
          rows,
          ...(quarantined > 0 && {
            quarantine: {
              ...(await writeFile(objects, input.project, quarantineFile)),
              rows: quarantined,
            },
          }),
          root: sha256Hex(identityInput(source.sha256, conversion, engineVersion(conversion.format))),
          description: await json(objects, input.project, description as unknown as Json),
        }
      })
    },

    async validate(input: RunInput): Promise<ValidateOutcome> {
      return step(input, 'validate', 'checking expectations', async (request, directory, signal) => {
        const table = await outcomeOf<IngestOutcome>(ledger, input, 'ingest')
        const { schema } = await readJson<TableDescription>(objects, table.description.uri)
        const expectations = checkAccepted(request.expectations, schema)
        const last = await datasets.head(input.project, input.name, request.branch ?? MAIN)
        const { results: _, ...outcome } = await checkTable(ports, {
          project: input.project,
          parquet: table.parquet,
          expectations,
          previousRows: last !== null && hasTable(last) ? Number(last.rows) : undefined,
          directory,
          signal,
        })
        return outcome
      })
    },

    async profile(input: RunInput): Promise<ProfileOutcome> {
      return step(input, 'profile', 'profiling', async (_request, directory, signal) => {
        const table = await outcomeOf<IngestOutcome>(ledger, input, 'ingest')
        const file = await objects.toFile(table.parquet.uri, directory)
        const profile = await profileTable(file, { signal, temporaryDirectory: directory })
        return { profile: await json(objects, input.project, profile as unknown as Json) }
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
        const { conversion, schema, proposal } = await readJson<TableDescription>(
          objects,
          table.description.uri,
        )
        const expectations = await readJson<unknown>(objects, checked.report.uri)
        const profile = await readJson<unknown>(objects, profiled.profile.uri)
        return async transaction => {
          const { version, created } = await datasets.commit(transaction, input.project, input.name, {
            root: table.root,
            branch: request.branch ?? MAIN,
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
          return { version: version.version, root: version.root, created }
        }
      })
    },
  }
}

export type DatasetActivities = ReturnType<typeof datasetActivities>

/** How a file is read; of Parquet and Arrow only the file itself tells its columns. */
async function formOf(
  file: string,
  { reading, delimiter, columns }: CommitSource,
  options: { signal: AbortSignal; temporaryDirectory: string },
): Promise<FileForm> {
  return {
    ...reading,
    delimiter: delimiter as CsvDelimiter | null,
    columns: columns ?? (await parquetNames(file, options)),
  }
}

function inherited(last: DatasetVersion, form: FileForm, { columns }: CommitRequest): ConversionSpec {
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
  const { nullValues } = last.conversion as ConversionSpec
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
