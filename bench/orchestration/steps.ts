import { median, type Row } from '../report.js'
import type { Peer } from './peer.js'
import type { Runs } from './runs.js'

const CHAINS = [
  { steps: 5, repeats: 9 },
  { steps: 20, repeats: 7 },
  { steps: 100, repeats: 3 },
]

/** What a step of a chain costs more, against an empty workflow and an activity with one write. */
export async function stepOverhead(runs: Runs, peer: Peer): Promise<Row[]> {
  const one = await runs.apply({ steps: 1, parallel: 1, chained: true })
  const names = await Promise.all(
    CHAINS.map(({ steps }) => runs.apply({ steps, parallel: 1, chained: true })),
  )
  const noops: number[] = []
  const single = { ours: [] as number[], peer: [] as number[] }
  const chains = CHAINS.map(() => ({ ours: [] as number[], peer: [] as number[] }))
  await runs.run(one)
  await peer.noop()
  for (let round = 0; round < CHAINS[0]!.repeats; round++) {
    noops.push(await peer.noop())
    single.ours.push((await runs.run(one)).ms)
    single.peer.push(await peer.writes(1))
    for (const [at, { steps, repeats }] of CHAINS.entries()) {
      if (round >= repeats) continue
      chains[at]!.ours.push((await runs.run(names[at]!)).ms)
      chains[at]!.peer.push(await peer.writes(steps))
    }
  }
  return CHAINS.flatMap(({ steps }, at): Row[] => {
    const more = (of: 'ours' | 'peer') => (median(chains[at]![of]) - median(single[of])) / (steps - 1)
    const row = { what: `step of a chain of ${steps}`, unit: 'ms', ours: more('ours') }
    return [
      {
        ...row,
        peer: median(noops),
        peerName: 'empty workflow',
        aim: 'under 1.5 x',
        details: { chainMs: chains[at]!.ours, oneStepMs: single.ours, emptyWorkflowMs: noops },
      },
      {
        ...row,
        peer: more('peer'),
        peerName: 'activity with one write',
        aim: 'none: what Temporal alone takes of it',
        details: { chainMs: chains[at]!.peer, oneStepMs: single.peer },
      },
    ]
  })
}
