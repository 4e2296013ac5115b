import type { Config } from '../../config/config.js'
import type { ObjectFacts, StackFacts } from '../../domain/check/facts.js'
import { referencedObjects } from '../../domain/check/references.js'
import { buildReport, type CheckReport, type Unreachable } from '../../domain/check/report.js'
import { checkRuns } from '../../domain/check/runs.js'
import type { LoggedFacts } from '../../domain/check/serving-facts.js'
import { MlforgeError } from '../../domain/errors.js'
import type { ObjectStore } from '../../stores/objects/object-store.js'
import { openObjectStore } from '../../stores/objects/open.js'
import { connectPostgres } from '../../stores/postgres/data-source.js'
import { LabelLookStore } from '../../stores/postgres/label-look-store.js'
import { assertSchema } from '../../stores/postgres/schema-version.js'
import { readRows, type RowFacts } from './check-facts.js'
import { loggedPredictions } from './check-predictions.js'
import { Workflows } from './check-workflows.js'
import { until } from './proc.js'

export interface CheckOptions {
  /** Read every object and compare its content with its hash; count the predictions in their files. */
  readonly deep?: boolean
}

/** A row and its workflow change one after the other: a difference counts when it stays this long. */
const SETTLE_MS = 3_000

/**
 * Reads Postgres, Temporal and the objects of a stack and says what is there and what is wrong: the
 * oracle of everything that kills processes. Changes nothing. A part that does not answer is named in
 * `unreachable`; the others are still looked at.
 */
export async function checkStack(
  config: Pick<Config, 'postgres' | 'temporal' | 'objects' | 'stateDirectory'>,
  { deep = false }: CheckOptions = {},
): Promise<CheckReport> {
  const unreachable: Unreachable[] = []
  const attempt = async <T>(part: Unreachable['part'], fallback: T, work: () => Promise<T>): Promise<T> => {
    try {
      return await work()
    } catch (error) {
      unreachable.push({ part, message: messageOf(error) })
      return fallback
    }
  }
  const dataSource = await attempt('postgres', undefined, () => connectPostgres(config.postgres.url, 2))
  const temporal = await attempt('temporal', undefined, () => Workflows.connect(config.temporal))
  const { retentionDays } = config.temporal
  let facts: StackFacts = { ...NO_ROWS, ...NO_WORKFLOWS, objects: new Map(), logged: [], retentionDays }
  try {
    if (dataSource !== undefined) {
      await attempt('postgres', undefined, async () => {
        await assertSchema(dataSource)
        facts = { ...facts, ...(await readRows(dataSource)) }
        if (temporal === undefined) return
        await until(
          async () => {
            // Temporal is asked after the rows: a run that has begun has its row already.
            const rows = await readRows(dataSource)
            const answers = await attempt('temporal', NO_WORKFLOWS, async () => ({
              openWorkflows: await temporal.open(),
              workflows: await temporal.statuses(rows.runs.map(run => run.workflowId)),
            }))
            facts = { ...facts, ...rows, ...answers }
            return unreachable.length > 0 || checkRuns({ ...facts, owed: [] }).length === 0
          },
          SETTLE_MS,
          100,
        )
      })
    }
    const store = await openObjectStore(config)
    const objects = await attempt('objects', new Map<string, ObjectFacts>(), () => look(store, facts, deep))
    facts = { ...facts, objects }
    const logged =
      deep && dataSource !== undefined
        ? await attempt<LoggedFacts[]>('objects', [], () =>
            loggedPredictions(store, new LabelLookStore(dataSource), facts),
          )
        : []
    return buildReport({ ...facts, logged }, unreachable)
  } finally {
    await dataSource?.destroy()
    await temporal?.close()
  }
}

const NO_WORKFLOWS: Pick<StackFacts, 'workflows' | 'openWorkflows'> = {
  workflows: new Map<string, string | null>(),
  openWorkflows: [],
}

const NO_ROWS: RowFacts = {
  now: new Date(0),
  datasets: [],
  datasetVersions: [],
  dataPacks: [],
  dataRefs: [],
  definitions: [],
  removedObjects: [],
  models: [],
  modelVersions: [],
  transformations: [],
  transformationVersions: [],
  aliases: [],
  aliasChanges: [],
  schedules: [],
  uploads: [],
  lineage: [],
  deployments: [],
  plans: [],
  replicas: [],
  decisionLogs: [],
  segments: [],
  predictionFiles: [],
  labels: [],
  driftWindows: [],
  incidents: [],
  pipelineVersions: [],
  pipelineRuns: [],
  pipelineSteps: [],
  sensors: [],
  sensorTicks: [],
  stepMemos: [],
  pools: [],
  poolClaims: [],
  materialisations: [],
  backfillItems: [],
  checkpoints: [],
  ledger: [],
  runs: [],
  owed: [],
}

async function look(store: ObjectStore, facts: StackFacts, deep: boolean): Promise<Map<string, ObjectFacts>> {
  const found = new Map<string, ObjectFacts>()
  for (const { uri } of referencedObjects(facts)) {
    const bytes = await store.size(uri)
    const corrupt = deep && bytes !== null ? await corruption(store, uri) : undefined
    found.set(uri, { bytes, ...(corrupt === undefined ? {} : { corrupt }) })
  }
  return found
}

async function corruption(store: ObjectStore, uri: string): Promise<string | undefined> {
  try {
    for await (const chunk of await store.open(uri)) void chunk
    return undefined
  } catch (error) {
    if (error instanceof MlforgeError && error.code === 'object_corrupt') return error.message
    throw error
  }
}

function messageOf(error: unknown): string {
  // Several addresses that all refuse come as one error without a message of its own.
  if (error instanceof AggregateError) return error.errors.map(messageOf).join('; ')
  return error instanceof Error ? error.message : String(error)
}
