import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals'
import { caseOf } from './case.js'
import { PipelineBench } from './pipeline-bench.js'

jest.setTimeout(300_000)

/** Together they fail, refuse, stop, are picked up again, and kill each process; others are for the long suite. */
const SEEDS = [12, 24, 43, 61, 173]
/** The case whose rows are changed below: its first step sends a request. */
const CHANGED = 24

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
