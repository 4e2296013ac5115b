import { median, type Row } from '../report.js'
import type { Peer } from './peer.js'
import type { Runs } from './runs.js'

const WIDE = { steps: 200, parallel: 100, repeats: 3 }
const SIZES = [
  { steps: 10, repeats: 5 },
  { steps: 100, repeats: 3 },
  { steps: 500, repeats: 2 },
]
const PARALLEL = 20

/** Steps that need nothing of each other: how many a worker does in a second. */
export async function stepsPerSecond(runs: Runs, peer: Peer): Promise<Row[]> {
  const { steps, parallel, repeats } = WIDE
  const name = await runs.apply(WIDE)
  const ours: number[] = []
  const theirs: number[] = []
  for (let round = 0; round < repeats; round++) {
    ours.push((await runs.run(name)).ms)
    theirs.push(await peer.writes(steps, parallel))
  }
  return [
    {
      what: `steps of a worker, ${steps} of which ${parallel} may work at once`,
      unit: 'steps/s',
      ours: (steps * 1000) / median(ours),
      peer: (steps * 1000) / median(theirs),
      peerName: 'activities with one write',
      aim: 'none: what Temporal alone does',
      details: { oursMs: ours, peerMs: theirs },
    },
  ]
}

/** Time and history for each step, in pipelines of growing size. */
export async function growth(runs: Runs, peer: Peer): Promise<Row[]> {
  const measured: { steps: number; ms: number; bytes: number; events: number; runs: number[] }[] = []
  for (const { steps, repeats } of SIZES) {
    const name = await runs.apply({ steps, parallel: PARALLEL })
    const times: number[] = []
    let last = ''
    for (let round = 0; round < repeats; round++) {
      const { ms, workflowId } = await runs.run(name)
      times.push(ms)
      last = workflowId
    }
    const { historySize = 0, historyLength } = await peer.client.workflow.getHandle(last).describe()
    measured.push({ steps, ms: median(times), bytes: historySize, events: historyLength, runs: times })
  }
  const [small, ...larger] = measured
  return larger.flatMap(each => {
    const details = { runs: each.runs, events: each.events, bytes: each.bytes, small }
    const row = {
      peerName: `of ${small!.steps} steps`,
      aim: 'at most 1.2 x: it grows with the steps',
      details,
    }
    return [
      {
        ...row,
        what: `time of a step, of ${each.steps} steps`,
        unit: 'ms',
        ours: each.ms / each.steps,
        peer: small!.ms / small!.steps,
      },
      {
        ...row,
        what: `history of a step, of ${each.steps} steps`,
        unit: 'bytes',
        ours: each.bytes / each.steps,
        peer: small!.bytes / small!.steps,
      },
    ]
  })
}
