// How long it takes from a plan that is issued until both replicas answer by it, while requests come at a
// fixed rate, and what those notice: for versions that the replicas hold, and for ones that they have to
// fetch, load and warm up first.
import { fork } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import 'reflect-metadata'
import { LocalObjectStore } from '../stores/objects/local-object-store.js'
import { connectPostgres } from '../stores/postgres/data-source.js'
import { DeploymentStore } from '../stores/postgres/deployment-store.js'
import { eventually } from '../test/support/eventually.js'
import { mlforge } from '../test/support/servers.js'
import { SIGNATURE } from '../test/trainers/support.js'
import { BIKE_ROW, inOtherBytes, trainBikeModel } from './predict/model.js'
import { median, percentile, report, type Row } from './report.js'
import type { Answered, FixedRate } from './swap/client.js'

const RATES = [100, 500]
const SWAPS = 6
const QUIET_MS = 8_000
/** `serving.pollSeconds` as `mlforge up` has it: how old a replica's knowledge of plans may be. */
const POLL_MS = 1_000
const REPLICAS = ['serving-1', 'serving-2']
const CLIENT = fileURLToPath(new URL('./swap/client.js', import.meta.url))

interface Issued {
  readonly revision: number
  /** Milliseconds of wall-clock time. */
  readonly at: number
}

const directory = await mkdtemp('/var/tmp/mlforge-bench-')
await chmod(directory, 0o755)
const state = join(directory, '.mlforge')
try {
  const model = await trainBikeModel(directory)
  await mlforge(state, ['up', '--parts', 'postgres,schema', '--serving', String(REPLICAS.length)])
  const { postgresUrl, objects, keyFile, processes } = JSON.parse(
    await readFile(join(state, 'endpoints.json'), 'utf8'),
  ) as { postgresUrl: string; objects: string; keyFile: string; processes: Record<string, { port: number }> }
  const dataSource = await connectPostgres(postgresUrl)
  try {
    const deployments = new DeploymentStore(dataSource)
    const { id } = await deployments.create('default', 'bike', 'bike', 'bench')
    const store = new LocalObjectStore(objects)
    const issue = async (version: number): Promise<Issued> => {
      const onnx = await store.write('default', await inOtherBytes(model, `version ${version}`))
      const { revision } = await dataSource.transaction(transaction =>
        deployments.issue(transaction, id, {
          plan: { arms: [{ version, role: 'stable', weight: 100 }], salt: 'bench' },
          versions: [{ model: 'bike', version, signature: SIGNATURE, onnx }],
          reason: 'bench',
          rolloutId: randomUUID(),
          effectKey: randomUUID(),
        }),
      )
      return { revision, at: performance.timeOrigin + performance.now() }
    }
    const taken = ({ revision }: Issued) =>
      eventually(
        async () => {
          const replicas = await deployments.replicas(id)
          const there = replicas.filter(replica => replica.revision === revision)
          if (there.length < REPLICAS.length)
            throw new Error(`${there.length} replicas have plan ${revision}`)
        },
        { everyMs: 20 },
      )
    const load = {
      ports: REPLICAS.map(name => processes[name]!.port),
      path: '/v1/deployments/bike/predict',
      key: (await readFile(keyFile, 'utf8')).trim(),
      features: BIKE_ROW,
    }
    for (const version of [1, 2]) await taken(await issue(version))

    const rows: Row[] = []
    let newest = 2
    for (const perSecond of RATES) {
      const swaps = (next: (swap: number) => number) =>
        underLoad({ ...load, perSecond, run: randomUUID() }, async () => {
          const issued: Issued[] = []
          for (let swap = 0; swap < SWAPS; swap++) {
            issued.push(await issue(next(swap)))
            await taken(issued.at(-1)!)
            // Replicas have polled just now: the next plans come at other moments between two polls.
            await wait(POLL_MS * (1 + swap / SWAPS))
          }
          return issued
        })
      const quiet = await underLoad({ ...load, perSecond, run: randomUUID() }, async () => {
        await wait(QUIET_MS)
        return []
      })
      const held = await swaps(swap => 1 + (swap % 2))
      const fresh = await swaps(() => ++newest)
      rows.push(...rowsOf(perSecond, 'held', held, quiet), ...rowsOf(perSecond, 'new', fresh, quiet))
    }
    report('swap', rows)
  } finally {
    await dataSource.destroy()
  }
} finally {
  await mlforge(state, ['clean'])
  await rm(directory, { recursive: true, force: true })
}

interface Run {
  readonly issued: readonly Issued[]
  readonly answers: readonly Answered[]
}

async function underLoad(load: FixedRate, work: () => Promise<Issued[]>): Promise<Run> {
  const client = fork(CLIENT, [JSON.stringify(load)])
  const result = once(client, 'message')
  // Connections and code are warm.
  await wait(1_000)
  const from = performance.timeOrigin + performance.now()
  const issued = await work()
  client.send('stop')
  const [all] = (await result) as [Answered[]]
  const failed = all.filter(({ status }) => status !== 200)
  if (failed.length > 0) throw new Error(`${failed.length} of ${all.length} requests failed`)
  return { issued, answers: all.filter(({ sentAt }) => sentAt >= from) }
}

function rowsOf(perSecond: number, what: 'held' | 'new', { issued, answers }: Run, quiet: Run): Row[] {
  const ports = [...new Set(answers.map(({ port }) => port))]
  const swaps = issued.map(({ revision, at }) => {
    const firsts = ports.map(port => {
      const first = answers.find(answer => answer.port === port && answer.revision >= revision)
      if (!first) throw new Error(`port ${port} has never answered by plan ${revision}`)
      return first.answeredAt
    })
    return { from: at, until: Math.max(...firsts) }
  })
  const during = answers.filter(({ sentAt }) =>
    swaps.some(({ from, until }) => sentAt >= from && sentAt <= until),
  )
  const milliseconds = swaps.map(({ from, until }) => until - from)
  const latencies = (some: readonly Answered[]) => some.map(({ latency }) => latency)
  const name = `version that is ${what === 'held' ? 'held' : 'new to the replicas'}, ${perSecond} requests/s`
  return [
    {
      what: `swap to a ${name}`,
      unit: 'ms',
      ours: median(milliseconds),
      peer: POLL_MS,
      peerName: 'poll interval',
      aim: what === 'held' ? 'under 1.1' : 'under 2',
      details: { milliseconds, replicas: ports.length, requests: answers.length, failed: 0 },
    },
    {
      what: `p99 during swaps to a ${name}`,
      unit: 'ms',
      ours: percentile(latencies(during), 0.99),
      peer: percentile(latencies(quiet.answers), 0.99),
      peerName: 'without swaps',
      aim: what === 'held' ? 'near 1' : 'under 3',
      details: {
        requestsDuring: during.length,
        p50: percentile(latencies(during), 0.5),
        p50Without: percentile(latencies(quiet.answers), 0.5),
        slowest: Math.max(...latencies(during)),
        slowestWithout: Math.max(...latencies(quiet.answers)),
      },
    },
  ]
}
