// A month of predictions with 20 features, from sealed segments to its drift report, by the io worker as
// `mlforge up` runs it: ingest, then a whole check against a tenth as many rows of the month before, all labelled.
// Against DuckDB from CSV, and against SciPy's scores of the same columns; with the worker's memory and the
// longest time in which its event loop stood still.
// `node dist/bench/drift.js [--rows=n]`: two sizes, or the one given.
import 'reflect-metadata'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { completePolicy } from '../domain/drift/monitoring-policy.js'
import type { WindowReport } from '../domain/drift/window-report.js'
import { isOpen } from '../domain/runs/run-status.js'
import { LocalObjectStore } from '../stores/objects/local-object-store.js'
import { connectPostgres } from '../stores/postgres/data-source.js'
import { DeploymentStore } from '../stores/postgres/deployment-store.js'
import { DriftStore } from '../stores/postgres/drift-store.js'
import type { Deployment } from '../stores/postgres/entities/deployment.js'
import { LabelStore } from '../stores/postgres/label-store.js'
import { LedgerStore } from '../stores/postgres/ledger-store.js'
import { PredictionStore } from '../stores/postgres/prediction-store.js'
import { RunStore } from '../stores/postgres/run-store.js'
import { readJson } from '../activities/objects.js'
import { startServers, stopServers, TEMPLATE, withDatabase } from '../test/support/servers.js'
import { csvToParquet, type PeerScores, scan, scipyCheck } from './drift/peers.js'
import type { Needed } from './drift/probe.js'
import { addLabels, addSegments, FEATURES, referenceRowsOf, WINDOW, writeSegments } from './drift/rows.js'
import { ProbedWorker } from './drift/worker.js'
import { median, report, type Row } from './report.js'

const SIZES = [100_000, 1_000_000]
const STALL_LIMIT_MS = 100

interface Checked extends Needed {
  readonly seconds: number
  /** Seconds by step. */
  readonly steps: Readonly<Record<string, number>>
}

const { values } = parseArgs({ options: { rows: { type: 'string' } } })
const servers = await startServers()
const root = await mkdtemp(join(tmpdir(), 'mlforge-bench-drift-'))
const postgresUrl = withDatabase(servers.postgresUrl, TEMPLATE)
const env = {
  MLFORGE_STATE_DIRECTORY: root,
  MLFORGE_POSTGRES_URL: postgresUrl,
  MLFORGE_REDIS_URL: servers.redisUrl,
  MLFORGE_TEMPORAL_ADDRESS: servers.temporalAddress,
  // The bench asks for the checks itself.
  MLFORGE_MONITORING_INTERVAL_SECONDS: '3600',
}
const dataSource = await connectPostgres(postgresUrl)
const objects = new LocalObjectStore(join(root, 'objects'))
const predictions = new PredictionStore(dataSource)
const runs = new RunStore(dataSource)
const workflows = await ProbedWorker.start('workflows', env)
try {
  const rows: Row[] = []
  for (const size of values.rows === undefined ? SIZES : [Number(values.rows)]) {
    rows.push(...(await measure(size)))
  }
  report('drift', rows)
} finally {
  await workflows.stop()
  await dataSource.destroy()
  await stopServers(servers.stateDirectory)
  await rm(root, { recursive: true, force: true })
}

async function measure(size: number): Promise<Row[]> {
  const deployment = await watched(`rows-${size}`)
  const logged = size + referenceRowsOf(size)
  const segments = await writeSegments(objects, deployment.name, size)
  const ingest = await withWorker(async worker => {
    const started = performance.now()
    await addSegments(predictions, segments)
    while ((await predictions.summary('default', deployment.id)).waitingSegments > 0) await wait(50)
    return { seconds: (performance.now() - started) / 1000, ...(await worker.needed()) }
  })
  await addLabels(new LabelStore(dataSource), deployment.id, logged)
  const uris = (await predictions.files(deployment.id)).map(({ uri }) => uri)
  const files = await Promise.all(uris.map(uri => objects.toFile(uri, root)))

  const checks: Checked[] = []
  const peers: PeerScores[] = []
  const scans: number[] = []
  for (let repeat = 0; repeat < (size > 500_000 ? 1 : 3); repeat++) {
    checks.push(await withWorker(worker => check(worker, deployment)))
    peers.push(await scipyCheck(files))
    scans.push(await scan(files))
  }
  await assertEqualScores(deployment, peers[0]!)
  const peerIngest = await csvToParquet(files, join(root, `${size}.csv`))
  const details = { rows: size, referenceRows: referenceRowsOf(size), features: FEATURES.length }
  const of = (key: 'seconds' | 'stall' | 'peakMemory') => median(checks.map(each => each[key]))
  const ofPeer = (key: 'seconds' | 'peakMemory') => median(peers.map(each => each[key]))
  return [
    {
      what: `ingest, ${logged} rows`,
      unit: 's',
      ours: ingest.seconds,
      peer: peerIngest,
      peerName: 'DuckDB from CSV',
      aim: 'a million rows in under a minute',
      details: { ...details, ...ingest, segments: segments.length },
    },
    {
      what: `ingest, ${logged} rows: longest stall`,
      unit: 'ms',
      ours: ingest.stall,
      peer: STALL_LIMIT_MS,
      peerName: 'limit',
      aim: 'under 1',
    },
    {
      what: `check, ${size} rows`,
      unit: 's',
      ours: of('seconds'),
      peer: ofPeer('seconds'),
      peerName: 'scores by SciPy',
      aim: 'under 2, with labels and report',
      details: {
        ...details,
        checks,
        duckDbScanSeconds: scans,
        scipySeconds: peers.map(peer => peer.seconds),
      },
    },
    {
      what: `check, ${size} rows: its scores alone`,
      unit: 's',
      ours: median(checks.map(({ steps }) => steps['assess']!)),
      peer: ofPeer('seconds'),
      peerName: 'scores by SciPy',
      aim: 'under 1',
    },
    {
      what: `check, ${size} rows: peak memory`,
      unit: 'MiB',
      ours: of('peakMemory'),
      peer: ofPeer('peakMemory'),
      peerName: 'Python with SciPy',
      aim: 'under 2, a whole worker',
    },
    {
      what: `check, ${size} rows: longest stall`,
      unit: 'ms',
      ours: of('stall'),
      peer: STALL_LIMIT_MS,
      peerName: 'limit',
      aim: 'under 1',
    },
  ]
}

async function watched(name: string): Promise<Deployment> {
  const deployments = new DeploymentStore(dataSource)
  const { id } = await deployments.create('default', name, 'bench', 'bench')
  const policy = completePolicy(
    { reference: { kind: 'trailing', windows: 1 }, quartilesOf: FEATURES[2]! },
    {
      features: FEATURES.map(feature => ({ name: feature, type: 'number' })),
      target: 'y',
      output: { name: 'y' },
    },
  )
  await new DriftStore(dataSource).setPolicy(id, policy)
  return deployments.get('default', name)
}

/** A worker of its own for each measurement: its peak memory is that of what it did. */
async function withWorker<T>(work: (worker: ProbedWorker) => Promise<T>): Promise<T> {
  const worker = await ProbedWorker.start('io', env)
  try {
    return await work(worker)
  } finally {
    await worker.stop()
  }
}

async function check(worker: ProbedWorker, { name }: Deployment): Promise<Checked> {
  const started = Date.now()
  const { run } = await runs.accept({
    project: 'default',
    kind: 'drift',
    name,
    request: { windowId: WINDOW.id, start: WINDOW.start, end: WINDOW.end },
    principal: 'bench',
    trigger: 'api',
    retryPolicy: { codes: [], maxAttempts: 1, delaySeconds: 1 },
  })
  for (;;) {
    const { status, error } = await runs.get('default', run.id)
    if (status === 'succeeded') break
    if (!isOpen(status)) throw new Error(`The check is ${status}: ${JSON.stringify(error)}`)
    await wait(25)
  }
  const seconds = (Date.now() - started) / 1000
  let before = started
  const steps: Record<string, number> = {}
  for (const { step, finishedAt } of await new LedgerStore(dataSource).steps(run.id)) {
    steps[step] = (finishedAt.getTime() - before) / 1000
    before = finishedAt.getTime()
  }
  return { seconds, steps, ...(await worker.needed()) }
}

/** Faster is nothing without the same answer. */
async function assertEqualScores({ id }: Deployment, { scores }: PeerScores): Promise<void> {
  const [window] = (await new DriftStore(dataSource).windows(id, { limit: 1 })).items
  const { columns } = await readJson<WindowReport>(objects, window!.report.json.uri)
  for (const [feature, [ks, wasserstein]] of Object.entries(scores)) {
    const column = columns.find(each => each.column === feature)
    if (column?.status !== 'assessed') throw new Error(`"${feature}" was not assessed`)
    const test = (statistic: string) => column.tests.find(each => each.statistic === statistic)
    const ours = [test('kolmogorov_smirnov')?.value, test('wasserstein')?.score]
    for (const [at, theirs] of [ks, wasserstein].entries()) {
      if (!(Math.abs(ours[at]! / theirs - 1) < 1e-9)) {
        throw new Error(`"${feature}" scores ${ours[at]} here and ${theirs} in SciPy`)
      }
    }
  }
}
