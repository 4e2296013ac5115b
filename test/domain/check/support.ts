import type { RunFacts, StackFacts } from '../../../domain/check/facts.js'
import { buildReport } from '../../../domain/check/report.js'
import type {
  DriftWindowFacts,
  IncidentFacts,
  LabelFacts,
  PlanFacts,
  PredictionFileFacts,
  SegmentFacts,
} from '../../../domain/check/serving-facts.js'
import type { PlanArm } from '../../../domain/routing/plan.js'

export const hash = (digit: string) => digit.repeat(64)
export const content = (digit: string) => ({
  uri: `default/sha256/${digit}${digit}/${hash(digit)}`,
  sha256: hash(digit),
  bytes: 7,
})
export const NOW = new Date('2026-01-10T00:00:00Z')

/** A version of files, as a stack holds it. */
export const dataVersion = {
  datasetId: 'd',
  version: 1,
  branch: 'main',
  root: 'r',
  rows: null,
  parents: [],
  raw: null,
  parquet: null,
  quarantine: null,
  commit: 'ab'.repeat(32),
  retiredAt: null,
  purge: null,
  runId: 'run',
  effectKey: 'run/commit/g1',
}

/** A training that registered version 1, as a stack holds it. */
export function stack(seed: string, more: Partial<RunFacts> = {}): StackFacts {
  const runId = `run-${seed}`
  const run: RunFacts = {
    id: runId,
    project: 'default',
    kind: 'training',
    name: 'demand',
    status: 'succeeded',
    attempt: 1,
    generation: 1,
    workflowId: `default/training/demand/${runId}`,
    executionId: `execution-${seed}`,
    request: {},
    result: null,
    error: null,
    trigger: 'api',
    createdAt: NOW,
    endedAt: NOW,
    nextAttemptAt: null,
    history: null,
    ...more,
  }
  return {
    datasets: [],
    datasetVersions: [],
    dataPacks: [],
    dataRefs: [],
    definitions: [],
    removedObjects: [],
    transformations: [],
    transformationVersions: [],
    models: [{ id: `model-${seed}`, project: 'default', name: 'demand' }],
    modelVersions: [
      {
        modelId: `model-${seed}`,
        version: 1,
        engine: 'xgboost',
        sha256: hash('a'),
        artifacts: { 'model.ubj': content('a'), 'model.onnx': content('b') },
        gate: { passed: true },
        lineage: { dataset: { name: 'bikes', version: 1 }, run: runId },
        runId,
        effectKey: `${runId}/register/g1`,
      },
    ],
    aliases: [],
    aliasChanges: [],
    schedules: [],
    uploads: [],
    checkpoints: [],
    lineage: [
      { runId, relation: 'wrote', node: 'model:demand@1' },
      { runId, relation: 'read', node: 'dataset:bikes@1' },
    ],
    ledger: [{ runId, step: 'register', generation: 1, outcome: { version: 1, sha256: hash('a') } }],
    runs: [run],
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
    logged: [],
    owed: [],
    workflows: new Map([[run.workflowId, 'COMPLETED']]),
    openWorkflows: [],
    objects: new Map(['a', 'b'].map(digit => [content(digit).uri, { bytes: 7 }])),
    now: NOW,
    retentionDays: 30,
  }
}

export const codes = (facts: StackFacts) => buildReport(facts).problems.map(({ code }) => code)

/** So many seconds before the snapshot. */
export const ago = (seconds: number) => new Date(NOW.getTime() - seconds * 1000)

export const stable = (version: number, weight = 100): PlanArm => ({ version, role: 'stable', weight })
export const candidate = (version: number, weight: number): PlanArm => ({
  version,
  role: 'candidate',
  weight,
})
const onnx = content('b')

export const plan = (
  revision: number,
  arms: readonly PlanArm[],
  more: Partial<PlanFacts> = {},
): PlanFacts => ({
  deploymentId: 'bike',
  revision,
  plan: { arms, salt: 'rollout' },
  versions: [...new Set(arms.map(({ version }) => version))].map(version => ({
    model: 'demand',
    version,
    onnx,
  })),
  rolloutId: 'rollout',
  effectKey: `rollout/plan-${revision}/g1`,
  createdAt: ago(100),
  ...more,
})

export const segment = (number: number, more: Partial<SegmentFacts> = {}): SegmentFacts => ({
  project: 'default',
  replica: 'replica',
  segment: number,
  uri: content('e').uri,
  bytes: 7,
  records: 10,
  firstSequence: number * 10 - 9,
  lastSequence: number * 10,
  sealedAt: ago(500 - number),
  tries: 0,
  dueAt: ago(500 - number),
  ingestedAt: ago(400 - number),
  problem: null,
  ...more,
})

export const predictionFile = (
  segments: readonly number[],
  rows: number,
  more: Partial<PredictionFileFacts> = {},
): PredictionFileFacts => ({
  id: `file ${more.deploymentId ?? 'bike'} ${segments.join('-')}`,
  deploymentId: 'bike',
  uri: content('f').uri,
  bytes: 7,
  rows,
  segments: segments.map(number => `replica/${number}`),
  lookedAt: true,
  sources: 1,
  replacedBy: null,
  deletedAt: null,
  effectKey: `default/ingest/bike/${segments.join('-')}`,
  ...more,
})

export const driftWindow = (windowId: string, more: Partial<DriftWindowFacts> = {}): DriftWindowFacts => {
  const { revision = 1 } = more
  return {
    deploymentId: 'bike',
    windowId,
    revision,
    state: 'assessable',
    breached: false,
    rows: 700,
    labelled: 690,
    report: { json: content('c'), html: content('d') },
    fingerprint: `${windowId} ${revision}`,
    effectKey: `drift-${windowId}-${revision}/record/g1`,
    ...more,
  }
}

export const labels = (more: Partial<LabelFacts> = {}): LabelFacts => ({
  deploymentId: 'bike',
  labels: 20,
  corrections: 1,
  misnumbered: 0,
  repeated: 0,
  held: 2,
  unknown: 1,
  mismarked: 0,
  sweptUntil: null,
  ...more,
})

/** The run that made an assessment, and its ledger. */
export const checksOf = (windows: readonly DriftWindowFacts[]): Pick<StackFacts, 'runs' | 'ledger'> => ({
  runs: windows.map(({ effectKey }) => {
    const id = effectKey.split('/')[0]!
    return { ...served().runs[0]!, id, kind: 'drift', name: 'bike', workflowId: id, result: null }
  }),
  ledger: windows.map(({ effectKey, revision }) => ({
    runId: effectKey.split('/')[0]!,
    step: 'record',
    generation: 1,
    outcome: { revision, outcome: 'recorded' },
  })),
})

export const incident = (more: Partial<IncidentFacts> = {}): IncidentFacts => ({
  id: 'incident',
  deploymentId: 'bike',
  signal: 'errors',
  status: 'observing',
  events: 3,
  retrainings: 1,
  logged: 3,
  firstEvent: 1,
  lastEvent: 3,
  ...more,
})

/** A deployment whose first version was promoted, and which has answered 20 rows since. */
export function served(run: Partial<RunFacts> = {}): StackFacts {
  const training = stack('1')
  const rollout: RunFacts = {
    ...training.runs[0]!,
    id: 'rollout',
    kind: 'rollout',
    name: 'bike',
    workflowId: 'default/rollout/bike/rollout',
    request: { strategy: { kind: 'canary' } },
    result: { outcome: 'succeeded', rollout: 'promoted', version: 1, reason: null },
    createdAt: ago(200),
    endedAt: ago(90),
    ...run,
  }
  return {
    ...training,
    runs: [rollout, ...training.runs],
    ledger: [
      ...training.ledger,
      { runId: 'rollout', step: 'begin', generation: 1, outcome: {} },
      { runId: 'rollout', step: 'plan-1', generation: 1, outcome: { revision: 1 } },
    ],
    aliases: [{ modelId: 'model-1', alias: 'champion', version: 1 }],
    aliasChanges: [
      {
        modelId: 'model-1',
        alias: 'champion',
        fromVersion: null,
        toVersion: 1,
        principal: 'key:a',
        reason: 'rollout 0199d2a0-0000-7000-8000-000000000001 of deployment bike: a test',
        at: ago(95),
      },
    ],
    deployments: [{ id: 'bike', project: 'default', name: 'bike', model: 'demand' }],
    plans: [plan(1, [stable(1)])],
    decisionLogs: [{ rolloutId: 'rollout', entries: 4, first: 1, last: 4, status: 'promoted' }],
    segments: [segment(1), segment(2)],
    predictionFiles: [predictionFile([1, 2], 20)],
    objects: new Map('abcdef'.split('').map(digit => [content(digit).uri, { bytes: 7 }])),
  }
}
