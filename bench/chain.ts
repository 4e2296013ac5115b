// What a step of a run costs beside its work: lease, ledger row, stage and activity, against an empty
// workflow on the same server.
import 'reflect-metadata'
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Client } from '@temporalio/client'
import { bundleWorkflowCode, DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker'
import { runActivities } from '../activities/runs.js'
import type { RunInput } from '../contracts/temporal/messages.js'
import { QUEUES } from '../contracts/temporal/queues.js'
import { connectPostgres } from '../stores/postgres/data-source.js'
import { LocalObjectStore } from '../stores/objects/local-object-store.js'
import { LedgerStore } from '../stores/postgres/ledger-store.js'
import { RunStore } from '../stores/postgres/run-store.js'
import { startServers, stopServers } from '../test/support/servers.js'
import { chainActivities } from './chain/activities.js'
import { median, report, type Row } from './report.js'

const SIZES = [5, 20]
const REPEATS = 15

Runtime.install({ logger: new DefaultLogger('WARN') })
const servers = await startServers()
const dataSource = await connectPostgres(servers.postgresUrl.replace(/\/mlforge$/, '/mlforge_template'))
const connection = await NativeConnection.connect({ address: servers.temporalAddress })
const client = new Client({ connection })
const runs = new RunStore(dataSource)
const ledger = new LedgerStore(dataSource)
const objects = new LocalObjectStore(join(servers.stateDirectory, 'objects'))

try {
  const bundle = await bundleWorkflowCode({
    workflowsPath: fileURLToPath(new URL('chain/workflows.js', import.meta.url)),
  })
  const workflows = await Worker.create({ connection, taskQueue: QUEUES.workflows, workflowBundle: bundle })
  const wakes = { publish: () => undefined }
  const activities = {
    ...runActivities({ runs, ledger, objects, wakes }),
    ...chainActivities({ ledger, wakes }),
  }
  const io = await Worker.create({ connection, taskQueue: QUEUES.io, activities })
  await workflows.runUntil(io.runUntil(measure()))
} finally {
  await connection.close()
  await dataSource.destroy()
  await stopServers(servers.stateDirectory)
}

async function measure(): Promise<void> {
  const noops: number[] = []
  const chains = new Map(SIZES.map(size => [size, [] as number[]]))
  const empty: number[] = []
  await timed(noop)
  for (let i = 0; i < REPEATS; i++) {
    noops.push(await timed(noop))
    empty.push(await timed(() => chain(0)))
    for (const size of SIZES) chains.get(size)!.push(await timed(() => chain(size)))
  }
  const rows = SIZES.map((size): Row => {
    const perStep = (median(chains.get(size)!) - median(empty)) / size
    return {
      what: `step of a chain of ${size}`,
      unit: 'ms',
      ours: perStep,
      peer: median(noops),
      peerName: 'empty workflow',
      aim: 'under 1.5 x',
      details: { chainMs: chains.get(size), emptyRunMs: median(empty), emptyWorkflowMs: noops },
    }
  })
  report('chain', rows)
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now()
  await work()
  return performance.now() - started
}

function noop(): Promise<unknown> {
  return client.workflow.execute('noop', { taskQueue: QUEUES.workflows, workflowId: randomUUID(), args: [] })
}

async function chain(steps: number): Promise<unknown> {
  const { run } = await runs.accept({
    project: 'default',
    kind: 'dataset',
    name: 'bench',
    request: {},
    principal: 'key:bench',
    trigger: 'api',
    retryPolicy: { codes: [], maxAttempts: 1, delaySeconds: 1 },
    startedByCaller: true,
  })
  const input: RunInput = {
    project: 'default',
    runId: run.id,
    name: 'bench',
    attempt: 1,
    generation: 1,
    limits: { heartbeatTimeoutSeconds: 30 },
  }
  const options = { taskQueue: QUEUES.workflows, workflowId: run.workflowId, args: [input, steps] }
  return client.workflow.execute('chain', options)
}
