import { describe, expect, it } from '@jest/globals'
import type { StackFacts } from '../../../domain/check/facts.js'
import { checkPipelines } from '../../../domain/check/pipelines.js'
import { stack } from './support.js'

const RUN = '00000000-0000-7000-8000-00000000000a'
const CHILD = '00000000-0000-7000-8000-00000000000b'

/** A run of a pipeline of two steps that ended well, the second of them by a run of its own. */
function sound(): StackFacts {
  const base = stack('1')
  const run = {
    ...base.runs[0]!,
    id: RUN,
    kind: 'pipeline' as const,
    request: { pipelineId: 'p', version: 1 },
  }
  const child = { ...base.runs[0]!, id: CHILD }
  const key = (step: string) => ({ runId: RUN, step, generation: 1 })
  return {
    ...base,
    runs: [run, child],
    ledger: [
      { ...key('a'), outcome: { taken: 'large' } },
      { ...key('b'), outcome: {} },
    ],
    pipelineVersions: [
      {
        pipelineId: 'p',
        version: 1,
        steps: [
          { name: 'a', needs: [] },
          { name: 'b', needs: ['a'], when: { step: 'a', is: ['large'] } },
        ],
      },
    ],
    pipelineRuns: [{ runId: RUN, generations: {} }],
    pipelineSteps: [
      { ...key('a'), state: 'succeeded', child: null, log: null },
      { ...key('b'), state: 'succeeded', child: CHILD, log: null },
    ],
    stepMemos: [key('a')],
  }
}

describe('the check of pipelines', () => {
  it('finds nothing wrong with a run that ended well', () => {
    expect(checkPipelines(sound())).toEqual([])
  })

  it('finds nothing wrong with a step that a branch has left out', () => {
    const whole = sound()
    const without = {
      ...whole,
      ledger: [{ ...whole.ledger[0]!, outcome: { taken: 'otherwise' } }],
      pipelineSteps: whole.pipelineSteps.slice(0, 1),
    }
    expect(checkPipelines(without)).toEqual([])
    const other = { ...without, ledger: whole.ledger.slice(0, 1) }
    expect(checkPipelines(other)).toMatchObject([{ code: 'step_without_outcome', at: `${RUN}/b/g1` }])
  })

  const refused = (whole: StackFacts) =>
    whole.runs.map(run => (run.id === CHILD ? { ...run, status: 'refused' as const } : run))

  it('finds nothing wrong with a gate that somebody has overridden', () => {
    const whole = sound()
    const [first, second] = whole.ledger
    const outcome = { outputs: { override: { by: 'key:ada', reason: 'a sale' } } }
    const overridden = { ...whole, runs: refused(whole), ledger: [first!, { ...second!, outcome }] }
    expect(checkPipelines(overridden)).toEqual([])
    expect(checkPipelines({ ...overridden, runs: whole.runs })).toMatchObject([
      { code: 'step_child_missing' },
    ])
  })

  const at =
    (index: number, change: Partial<StackFacts['pipelineSteps'][number]>) => (whole: StackFacts) => ({
      ...whole,
      pipelineSteps: whole.pipelineSteps.map((row, i) => (i === index ? { ...row, ...change } : row)),
    })

  it.each<[string, (whole: StackFacts) => StackFacts, string]>([
    [
      'a step that has succeeded and is not in the ledger',
      whole => ({ ...whole, ledger: whole.ledger.slice(1), stepMemos: [] }),
      'step_without_outcome',
    ],
    ['a finished step that says it failed', at(0, { state: 'failed' }), 'step_without_outcome'],
    [
      'an outcome of a step that never began',
      whole => ({ ...whole, pipelineSteps: whole.pipelineSteps.slice(1) }),
      'step_without_outcome',
    ],
    [
      'a step that was reset and not done again',
      whole => ({ ...whole, pipelineRuns: [{ runId: RUN, generations: { b: 2 } }] }),
      'step_without_outcome',
    ],
    ['a step that works in a run that has ended', at(0, { state: 'running' }), 'step_not_closed'],
    ['a step that was given to no run', at(1, { child: 'none' }), 'step_child_missing'],
    [
      'a step that has succeeded by a run that failed',
      whole => ({
        ...whole,
        runs: whole.runs.map(run => (run.id === CHILD ? { ...run, status: 'failed' } : run)),
      }),
      'step_child_missing',
    ],
    [
      'a step that has succeeded by a run that was refused',
      whole => ({ ...whole, runs: refused(whole) }),
      'step_child_missing',
    ],
    [
      'an outcome to be taken over that is not there',
      whole => ({ ...whole, stepMemos: [{ runId: RUN, step: 'gone', generation: 1 }] }),
      'step_memo_dangling',
    ],
  ])('finds %s', (_, change, code) => {
    expect(checkPipelines(change(sound())).map(problem => problem.code)).toContain(code)
  })
})
