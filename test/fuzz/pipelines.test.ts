import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { caseOf } from './case.js'
import { predict } from './model.js'
import { PipelineBench } from './pipeline-bench.js'

/** What they cover together is below; others are for the long suite. */
const SEEDS = [2, 24, 62, 75, 111]
/** The case whose rows are changed below: its first step sends a request, and it does not end well. */
const CHANGED = 2

const nameOf = (seed: number) => `fuzz-${seed}`

describe('generated pipelines, with processes killed while they run', () => {
  let bench: PipelineBench
  const runs = new Map<number, string>()
  beforeAll(async () => {
    bench = await PipelineBench.start()
  })
  afterAll(() => bench?.stop())

  const problems = async (seed: number) =>
    (await bench.compare(caseOf(seed), nameOf(seed), runs.get(seed)!)).problems

  it('each process is killed, and the whole stack; steps are undone, left out, done with items, and reset', () => {
    const cases = SEEDS.map(caseOf)
    const ends = cases.map(predict)
    expect(new Set(cases.flatMap(({ kills }) => kills.map(({ victim }) => victim)))).toEqual(
      new Set([
        ...['worker-workflows', 'worker-io', 'worker-train', 'api', 'temporal', 'postgres', 'redis'],
        'stack',
      ]),
    )
    expect(new Set(cases.map(each => each.later?.verb))).toEqual(new Set([undefined, 'reset', 'rollback']))
    expect(new Set(ends.map(({ status }) => status))).toEqual(new Set(['succeeded', 'refused', 'failed']))
    const states = ends.flatMap(end => end.states)
    expect(states).toEqual(expect.arrayContaining(['undone', 'skipped', 'blocked']))
    const isMapped = ({ steps }: (typeof cases)[number], at: number) =>
      steps.some(({ deed }, step) => deed.kind === 'map' && ends[at]!.states[step] === 'succeeded')
    expect(cases.some(isMapped)).toBe(true)
    // One undoes what it has done after it was reset too, and one is started again by itself.
    expect(ends.some(({ rollBacks }) => rollBacks.length > 1)).toBe(true)
    expect(cases.some(({ later }, at) => later === null && ends[at]!.attempt === 2)).toBe(true)
  })

  it.each(SEEDS)('seed %i ends as the model says, with each effect in our stores once', async seed => {
    const ended = await bench.run(caseOf(seed), nameOf(seed))
    runs.set(seed, ended.run.id)
    expect(ended.problems).toEqual([])
  })

  it.each([
    [
      'a step that is not in the ledger',
      `UPDATE ledger_steps SET step = reverse(step) WHERE run_id = $1 AND step IN ('s0', '0s')`,
    ],
    [
      'a step that ended otherwise',
      `UPDATE pipeline_steps SET state = CASE state WHEN 'failed' THEN 'succeeded' ELSE 'failed' END
       WHERE run_id = $1 AND step = 's0'`,
    ],
    [
      'a step that has failed more often than it can',
      `UPDATE pipeline_steps SET tries = 7 - tries WHERE run_id = $1 AND step = 's0'`,
    ],
    [
      'a step of another generation',
      `UPDATE pipeline_runs SET generations = generations || jsonb_build_object('s0',
         3 - coalesce((generations ->> 's0')::int, 1)) WHERE run_id = $1`,
    ],
    ['a run at another attempt', 'UPDATE runs SET attempt = 3 - attempt WHERE id = $1'],
    [
      'a run that ended otherwise',
      `UPDATE runs SET status = CASE status WHEN 'failed' THEN 'refused' ELSE 'failed' END WHERE id = $1`,
    ],
  ])('the comparison sees %s', async (_, statement) => {
    // Done twice, each of these is undone.
    await bench.stack.query(statement, [runs.get(CHANGED)])
    expect(await problems(CHANGED)).not.toEqual([])
    await bench.stack.query(statement, [runs.get(CHANGED)])
    expect(await problems(CHANGED)).toEqual([])
  })

  it('the comparison sees a request that was sent again with another key', async () => {
    await bench.resend(caseOf(CHANGED), nameOf(CHANGED), 'another')
    expect(await problems(CHANGED)).toEqual([expect.stringContaining('another')])
  })
})
