import { join } from 'node:path'
import type {
  IncidentRolloutInput,
  RetrainingInput,
  RetrainingSetOutcome,
} from '../contracts/temporal/incidents.js'
import type { StartedTraining } from '../contracts/temporal/retraining.js'
import type { ConversionSpec } from '../domain/datasets/conversion.js'
import type { Schema } from '../domain/datasets/schema.js'
import { MlforgeError } from '../domain/errors.js'
import { type Accepted, columnsOf, tablesOf } from '../domain/expectations/accepted.js'
import { refuseFailed } from '../domain/expectations/results.js'
import { effectKey } from '../domain/names.js'
import { otherTransformation } from '../domain/retraining/check-policy.js'
import type { RetrainingPolicy } from '../domain/retraining/policy.js'
import {
  columnSources,
  type JoinedConversion,
  type JoinedPredictions,
  joinedIdentity,
  joinedSchema,
  joinFrom,
  learnedColumns,
  setStep,
} from '../domain/retraining/set.js'
import type { RetryPolicy } from '../domain/runs/retry-policy.js'
import { DUCKDB_VERSION } from '../stores/duckdb/duckdb.js'
import { evaluateExpectations } from '../stores/duckdb/expectations/accepted.js'
import { labelledTable } from '../stores/duckdb/predictions-training.js'
import { writeLabels } from '../stores/duckdb/predictions-labels.js'
import { profileTable } from '../stores/duckdb/profile.js'
import { EVENT_TIME, joinPredictions, newestTime } from '../stores/duckdb/retraining.js'
import { sha256Hex } from '../stores/ids.js'
import { reads, writes } from '../stores/lineage-scope.js'
import type { DatasetVersion } from '../stores/postgres/entities/dataset.js'
import type { Deployment } from '../stores/postgres/entities/deployment.js'
import { assertTableObjects } from '../stores/postgres/table-objects.js'
import { beatWhile } from './heartbeats.js'
import { writeTableFile } from './objects.js'
import { otherTables } from './other-tables.js'
import type { Ports } from './ports.js'
import {
  acceptRollout,
  acceptTraining,
  describeRetraining,
  retrainingPolicyOf,
  retrainingWork,
  trainingTakenOn,
} from './retraining-runs.js'
import { withScratch } from './scratch.js'
import { onceStep } from './step.js'

type RetrainingPorts = Pick<
  Ports,
  | 'runs'
  | 'ledger'
  | 'wakes'
  | 'datasets'
  | 'suites'
  | 'pipelines'
  | 'deployments'
  | 'predictions'
  | 'labels'
  | 'objects'
  | 'scratch'
> & { readonly retryPolicy: RetryPolicy }

/** What a retraining is made of: a set of data, a training on it, a rollout of what it gives. */
export function retrainingActivities(ports: RetrainingPorts) {
  const { datasets, deployments, predictions, labels, objects, scratch } = ports

  return {
    /**
     * The rows of the dataset that somebody gave, and after them every prediction since that has a label,
     * as the next version of the dataset. Earlier joined versions are not grown from: their predictions
     * are joined again, with the labels that hold now.
     */
    async buildRetrainingSet(input: RetrainingInput): Promise<RetrainingSetOutcome> {
      const { deployment, policy } = await retrainingPolicyOf(deployments, input)
      const step = setStep(input.number)
      const build = (directory: string, signal: AbortSignal) =>
        buildSet({ input, deployment, policy, directory, signal })
      return onceStep<RetrainingSetOutcome>(
        ports,
        input,
        step,
        () =>
          withScratch(scratch, directory =>
            beatWhile('building the training data', async signal => {
              const { base, latest, content, added } = await build(directory, signal)
              if (content === null) return unchanged(policy.dataset, base)
              return async transaction => {
                const { raw, parquet } = content.table
                await assertTableObjects(transaction, [raw.uri, parquet.uri], objects)
                const { version, created } = await datasets.commit(
                  transaction,
                  input.project,
                  policy.dataset,
                  { ...content, runId: input.runId, effectKey: effectKey(input, step) },
                )
                if (created && version.version !== latest + 1) {
                  throw new MlforgeError(
                    'unavailable',
                    `A version of dataset "${policy.dataset}" was made while this one grew from version ${base.version}. It is built again.`,
                  )
                }
                const { root, rows } = version
                writes({ kind: 'dataset', name: policy.dataset, version: version.version })
                return {
                  dataset: policy.dataset,
                  version: version.version,
                  root,
                  rows: Number(rows),
                  added,
                  created,
                }
              }
            }),
          ),
        { hidden: input.number !== null },
      )
    },

    /** Takes the training of an incident's retraining on, or the run of the policy's pipeline. */
    async startRetraining(input: RetrainingInput): Promise<StartedTraining> {
      const known = await trainingTakenOn(ports, input)
      return known ?? acceptTraining(ports, input, await retrainingWork(ports, input))
    },

    /** Takes the rollout of what it gave on, unless somebody else's goes on. */
    async startIncidentRollout(input: IncidentRolloutInput): Promise<{ accepted: boolean }> {
      return { accepted: 'runId' in (await acceptRollout(ports, input, input.version)) }
    },
  }

  async function buildSet({ input, deployment, policy, directory, signal }: BuildSet) {
    const options = { signal, temporaryDirectory: directory }
    const base = await datasets.latestGiven(input.project, policy.dataset)
    const latest = await datasets.version(input.project, policy.dataset, 'latest')
    const schema = base.schema as Schema
    const type = schema.find(column => column.name === policy.timeColumn)?.type
    if (type !== 'date' && type !== 'timestamp') {
      throw new MlforgeError(
        'unknown_column',
        `Dataset "${policy.dataset}" version ${base.version} has no date or timestamp column "${policy.timeColumn}".`,
      )
    }
    const earlier = await objects.toFile(base.parquet.uri, directory)
    const from = joinFrom(await newestTime(earlier, policy.timeColumn, options), type)
    const until = input.dataUntil
    const range = { ...(from === null ? {} : { from }), to: until }

    const labelsFile = join(directory, 'labels.parquet')
    await writeLabels(labels.effective(deployment.id), labelsFile, options)
    const labelled = join(directory, 'labelled.parquet')
    const files = await predictions.files(deployment.id)
    const local = await Promise.all(files.map(file => objects.toFile(file.uri, directory)))
    const serving = await deployments.servingSignature(deployment.id)
    const learned = learnedColumns(policy, serving)
    if (learned === null) {
      throw new MlforgeError(
        'wrong_state',
        `No version of deployment "${deployment.name}" serves: what its predictions are is not known. Roll one out, then ask for the retraining again.`,
      )
    }
    if (policy.training && serving) {
      const [problem] = otherTransformation(policy.training, serving)
      if (problem) throw new MlforgeError('wrong_state', problem.message)
    }
    const { rows: added, versions: answering } = await labelledTable(
      {
        files: local,
        labels: labelsFile,
        ...range,
        ...learned,
        timeColumn: EVENT_TIME,
      },
      labelled,
      options,
    )
    // A run of its own ends well where there is nothing to do; an incident has to be told.
    if (added === 0 && input.number === null) return { base, latest: base.version, content: null, added }
    if (added === 0) throw nothingToLearn(input, from)

    const sources = columnSources(schema, policy.timeColumn, learned)
    const table = join(directory, 'joined.parquet')
    const rows = await joinPredictions({ version: earlier, labelled }, schema, sources, table, options)
    const profile = await profileTable(table, options)
    const nulls = new Map(profile.columns.map(column => [column.name, column.nulls]))
    const expectations = expectationsOf(base, sources)
    const results = await evaluateExpectations(table, expectations, {
      ...options,
      tables: await otherTables(ports, input.project, tablesOf(expectations), directory),
      now: new Date(until).toISOString(),
      previousRows: Number(base.rows),
    })
    refuseFailed(results)

    const joinedWindow = {
      kind: 'window',
      name: deployment.name,
      window: rangeName({ from, until }),
    } as const
    writes(joinedWindow)
    reads(
      { kind: 'dataset', name: policy.dataset, version: base.version },
      joinedWindow,
      ...answering.map(version => ({ kind: 'model', name: deployment.model, version }) as const),
    )
    const raw = await writeTableFile(objects, input.project, labelled)
    const joined: JoinedPredictions = {
      deployment: deployment.name,
      parent: base.root,
      from,
      until,
      rows: added,
      table: raw.sha256,
      columns: sources,
    }
    const conversion: JoinedConversion = { ...(base.conversion as ConversionSpec), joined }
    const parquet = await writeTableFile(objects, input.project, table)
    const used = files.filter(
      file =>
        file.rows > 0 &&
        file.minEventTime.getTime() < until &&
        file.maxEventTime.getTime() >= (from ?? -Infinity),
    )
    const content = {
      root: sha256Hex(joinedIdentity(joined, DUCKDB_VERSION)),
      files: null,
      table: {
        rows: String(rows),
        // There is no upload: what came in is the table of labelled predictions.
        raw,
        parquet,
        schema: joinedSchema(schema, nulls),
        conversion,
        proposal: null,
        expectations: results,
        profile,
      },
      author: null,
      principal: `deployment:${deployment.name}`,
      parents: [base.root, ...used.map(file => file.uri)],
      message: `${sentenceCase(describeRetraining(input))}: version ${base.version} and ${added} labelled predictions of deployment "${deployment.name}" until ${new Date(until).toISOString()}`,
    }
    return { base, latest: latest.version, content, added }
  }
}

export type RetrainingActivities = ReturnType<typeof retrainingActivities>

interface BuildSet {
  readonly input: RetrainingInput
  readonly deployment: Deployment
  readonly policy: RetrainingPolicy
  readonly directory: string
  readonly signal: AbortSignal
}

/** Nothing was joined: the set is the version that it would have grown from. */
function unchanged(dataset: string, { version, root, rows }: DatasetVersion): RetrainingSetOutcome {
  return { dataset, version, root, rows: Number(rows), added: 0, created: false }
}

/** What predictions are called that are no window of the monitoring. */
function rangeName({ from, until }: { readonly from: number | null; readonly until: number }): string {
  return `${from === null ? '' : new Date(from).toISOString()}..${new Date(until).toISOString()}`
}

function sentenceCase(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}

/** What was expected of the version still is, but for columns that predictions do not have. */
function expectationsOf(
  { expectations }: DatasetVersion,
  sources: ReturnType<typeof columnSources>,
): Accepted[] {
  const empty = new Set(sources.filter(({ from }) => from === 'empty').map(({ column }) => column))
  return (expectations as { expectation: Accepted }[])
    .map(({ expectation }) => expectation)
    .filter(expectation => !columnsOf(expectation).some(column => empty.has(column)))
}

function nothingToLearn({ name, dataUntil }: RetrainingInput, from: number | null): MlforgeError {
  const since = from === null ? '' : ` from ${new Date(from).toISOString()}`
  return new MlforgeError(
    'label_invalid',
    `Deployment "${name}" has no labelled predictions${since} until ${new Date(dataUntil).toISOString()}: there is nothing new to learn. Send labels, then tell the incident to retrain.`,
  )
}
