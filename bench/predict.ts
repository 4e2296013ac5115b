// One-row predictions of a 200-tree model: the serving process as `mlforge up` runs it, with keys, checks and
// prediction log, against FastAPI + pydantic + onnxruntime under uvicorn, which has neither keys nor log.
// Interleaved in one run, the same client for both; and what the prediction log takes of the time.
import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import 'reflect-metadata'
import { pino } from 'pino'
import { PredictionLog, type RecordDraft } from '../serving/log/prediction-log.js'
import { LocalObjectStore } from '../stores/objects/local-object-store.js'
import { connectPostgres } from '../stores/postgres/data-source.js'
import { DeploymentStore } from '../stores/postgres/deployment-store.js'
import { eventually } from '../test/support/eventually.js'
import { mlforge } from '../test/support/servers.js'
import { FEATURES, SIGNATURE } from '../test/trainers/support.js'
import type { Load, Measured } from './predict/client.js'
import { BIKE_ROW, trainBikeModel } from './predict/model.js'
import { startPeer } from './predict/peer.js'
import { median, report, type Row } from './report.js'

/** More of the large requests at once would only fill the queue, which then refuses them. */
const connections = (rows: number): number => (rows === 1 ? 32 : 8)
const REPLICAS = ['serving-1', 'serving-2']
const REPEATS = 3
const SECONDS = 3
const BATCH = 256
const APPENDS = 50_000
const CLIENT = fileURLToPath(new URL('./predict/client.js', import.meta.url))

interface Server {
  readonly pids: readonly number[]
  readonly ports: readonly number[]
  readonly key: string
}

interface Driven extends Measured {
  readonly cpuMicroseconds: number
}

const directory = await mkdtemp('/var/tmp/mlforge-bench-')
await chmod(directory, 0o755)
const state = join(directory, '.mlforge')
try {
  const model = await trainBikeModel(directory)
  await mlforge(state, ['up', '--parts', 'postgres,schema', '--serving', '2'])
  const ours = await deploy(model)
  const peer = await startPeer(directory, model, FEATURES, 2)
  try {
    const rows: Row[] = []
    const other = { ...peer, key: 'none' }
    for (const processes of [1, 2]) rows.push(...(await compare(ours, other, processes)))
    rows.push(...(await compare(ours, other, 1, BATCH)))
    const processorTime = rows.find(({ unit }) => unit === 'us')!
    rows.push(await logCost(processorTime.ours))
    report('predict', rows)
  } finally {
    await peer.stop()
  }
} finally {
  await mlforge(state, ['clean'])
  await rm(directory, { recursive: true, force: true })
}

/** Puts the model in force on the running replicas. */
async function deploy(model: string): Promise<Server> {
  const { postgresUrl, objects, keyFile, processes } = JSON.parse(
    await readFile(join(state, 'endpoints.json'), 'utf8'),
  ) as {
    postgresUrl: string
    objects: string
    keyFile: string
    processes: Record<string, { pid: number; port: number }>
  }
  const dataSource = await connectPostgres(postgresUrl)
  try {
    const deployments = new DeploymentStore(dataSource)
    const { id } = await deployments.create('default', 'bike', 'bike', 'bench')
    const onnx = await new LocalObjectStore(objects).write('default', await readFile(model))
    await dataSource.transaction(transaction =>
      deployments.issue(transaction, id, {
        plan: { arms: [{ version: 1, role: 'stable', weight: 100 }], salt: 'bench' },
        versions: [{ model: 'bike', version: 1, signature: SIGNATURE, onnx }],
        reason: 'bench',
        rolloutId: randomUUID(),
        effectKey: 'bench',
      }),
    )
    await eventually(async () => {
      const taken = (await deployments.replicas(id)).filter(({ revision }) => revision === 1)
      if (taken.length < 2) throw new Error(`${taken.length} of 2 replicas have the plan`)
    })
  } finally {
    await dataSource.destroy()
  }
  return {
    pids: REPLICAS.map(name => processes[name]!.pid),
    ports: REPLICAS.map(name => processes[name]!.port),
    key: (await readFile(keyFile, 'utf8')).trim(),
  }
}

async function compare(ours: Server, peer: Server, processes: number, batch = 1): Promise<Row[]> {
  const mine: Driven[] = []
  const theirs: Driven[] = []
  for (let repeat = 0; repeat < REPEATS; repeat++) {
    mine.push(await drive(ours, processes, batch))
    theirs.push(await drive(peer, processes, batch))
  }
  const of = (runs: readonly Driven[], what: keyof Driven) => median(runs.map(run => run[what]))
  const size = { connections: connections(batch), processes, batch, repeats: REPEATS, seconds: SECONDS }
  const sent = batch === 1 ? 'one row' : `${batch} rows`
  const row = (what: string, unit: string, key: keyof Driven, aim: string): Row => ({
    what: `${what}, ${sent}, ${processes} process${processes === 1 ? '' : 'es'}`,
    unit,
    ours: of(mine, key),
    peer: of(theirs, key),
    peerName: 'FastAPI, uvicorn',
    aim,
    details: { ...size, ours: mine, peer: theirs },
  })
  return [
    row('requests', '1/s', 'perSecond', 'at least 2 x'),
    row('p50', 'ms', 'p50', 'below 1 x'),
    row('p99', 'ms', 'p99', 'below 1 x'),
    row('processor time', 'us', 'cpuMicroseconds', 'below 0.5 x'),
  ]
}

async function drive({ ports, pids, key }: Server, processes: number, rows: number): Promise<Driven> {
  const load: Load = {
    ports: ports.slice(0, processes),
    path: '/v1/deployments/bike/predict',
    key,
    connections: connections(rows),
    warmUpSeconds: 1,
    seconds: SECONDS,
    rows,
    run: randomUUID(),
    features: JSON.stringify(BIKE_ROW),
  }
  const before = await processorSeconds(pids)
  const { stdout } = await promisify(execFile)(process.execPath, [CLIENT, JSON.stringify(load)])
  const measured = JSON.parse(stdout) as Measured
  if (measured.failed > 0) throw new Error(`${measured.failed} requests failed on ports ${ports.join(', ')}`)
  const seconds = (await processorSeconds(pids)) - before
  return { ...measured, cpuMicroseconds: (seconds * 1e6) / measured.requests }
}

/** What processes have used of the processors so far: unlike the times, it hardly depends on what else runs. */
async function processorSeconds(pids: readonly number[]): Promise<number> {
  const stats = await Promise.all(pids.map(pid => readFile(`/proc/${pid}/stat`, 'utf8')))
  const ticks = stats.map(stat => {
    // Fields 14 and 15, utime and stime, in ticks of 10 ms.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return Number(fields[11]) + Number(fields[12])
  })
  return ticks.reduce((sum, each) => sum + each, 0) / 100
}

/** Processor time of one append, as a process does it before each answer, against the rest of a request's. */
async function logCost(requestMicroseconds: number): Promise<Row> {
  const options = { sealSeconds: 5, segmentBytes: 8 * 2 ** 20, flushSeconds: 1, logBudgetBytes: 2 ** 30 }
  const log = await PredictionLog.open(join(directory, 'log'), options, pino({ level: 'silent' }))
  const record: RecordDraft = {
    deployment: 'bike',
    id: randomUUID(),
    version: 1,
    role: 'stable',
    revision: 1,
    key: 'bench',
    eventTime: Date.now(),
    at: Date.now(),
    features: BIKE_ROW,
    output: 100,
  }
  const started = process.cpuUsage()
  for (let i = 0; i < APPENDS; i++) log.append([record])
  const { user, system } = process.cpuUsage(started)
  const each = (user + system) / APPENDS
  await log.close()
  return {
    what: 'a request with its log',
    unit: 'us',
    ours: requestMicroseconds,
    peer: requestMicroseconds - each,
    peerName: 'without the append',
    aim: 'under 1.10',
    details: { appendMicroseconds: each, appends: APPENDS },
  }
}
