import { readFile } from 'node:fs/promises'
import type { PipelineRun } from '../../contracts/rest/pipeline-runs.js'
import type { Operation } from '../../contracts/rest/operations.js'
import type { Row } from '../report.js'
import type { Stack } from '../stack.js'
import type { Peer } from './peer.js'

const SIZES = [1_000, 10_000]
const PARALLEL = 100

/** A step that does next to nothing with each of many items: time, history and memory. */
export async function maps(stack: Stack, peer: Peer): Promise<Row[]> {
  const rows: Row[] = []
  for (const items of SIZES) {
    const before = await memoryMiB(stack)
    const { seconds, child, peak } = await runMap(stack, items)
    const { workflow } = await stack.rest.get<Operation>(`/v1/operations/${child}`)
    const { historySize = 0, historyLength } = await peer.client.workflow
      .getHandle(workflow.workflowId)
      .describe()
    const peerSeconds = (await peer.writes(items, PARALLEL)) / 1000
    rows.push({
      what: `map of ${items} items, ${PARALLEL} at once`,
      unit: 'items/s',
      ours: items / seconds,
      peer: items / peerSeconds,
      peerName: 'activities with one write',
      aim: 'none: what Temporal alone does',
      details: {
        seconds,
        peerSeconds,
        lastHistory: { bytes: historySize, events: historyLength },
        workflowWorkerMiB: { before, peak, after: await memoryMiB(stack) },
      },
    })
  }
  return rows
}

async function runMap(
  stack: Stack,
  items: number,
): Promise<{ readonly seconds: number; readonly child: string; readonly peak: number }> {
  const { rest } = stack
  const name = `map-${items}`
  const steps = {
    rows: { uses: 'query', with: { sql: `SELECT i FROM range(${items}) AS t(i)`, tables: {} } },
    each: {
      uses: 'map',
      with: { items: '${{ steps.rows.table }}', parallel: PARALLEL },
      do: { uses: 'compare', with: { candidate: 1, reference: 1 }, cache: false },
    },
  }
  await rest.post('/v1/pipelines', { pipelines: { [name]: { steps } } })
  const { id } = await rest.post<PipelineRun>(`/v1/pipelines/${name}/runs`)
  let peak = 0
  const run = await rest.follow<PipelineRun>(`/v1/pipeline-runs/${id}`, async () => {
    peak = Math.max(peak, await memoryMiB(stack))
  })
  const each = run.steps.find(step => step.name === 'each')!
  if (run.status !== 'succeeded') throw new Error(`${name} has ${run.status}: ${run.error?.message}`)
  const seconds = (Date.parse(each.endedAt!) - Date.parse(each.startedAt!)) / 1000
  return { seconds, child: each.child!, peak }
}

/** Resident memory of the worker that holds the histories. */
async function memoryMiB(stack: Stack): Promise<number> {
  const { pid } = (await stack.endpoints()).processes['worker-workflows']!
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  return Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)![1]) / 1024)
}
