import { describe, expect, it } from '@jest/globals'
import type { PipelineRun } from '../../contracts/rest/pipeline-runs.js'
import type { Case, CaseStep } from './case.js'
import { predict } from './model.js'
import { effects } from './oracle.js'

const post = (name: string, needs: number[]): CaseStep => ({
  name,
  deed: { kind: 'post', failures: 0 },
  needs,
  undo: { uses: 'http', failures: 0 },
})

/** Two steps are done one after the other and undone, since a third one fails. */
const GIVEN: Case = {
  steps: [post('a', []), post('b', [0]), { name: 'c', deed: { kind: 'refused' }, needs: [1] }],
  parallel: 1,
  onFailure: 'stop',
  attempts: 1,
  later: null,
  kills: [],
}
const RIGHT = ['a/g1', 'b/g1', 'c/g1', 'b:compensate/g1', 'a:compensate/g1']

describe('the oracle of generated pipelines', () => {
  const said = (paths: readonly string[], given = GIVEN) =>
    effects(
      { id: 'run' } as PipelineRun,
      given,
      predict(given),
      paths.map(path => ({ path: '', key: `run/${path}`, body: null })),
    )

  it('finds nothing wrong with what is right', () => {
    expect(said(RIGHT)).toEqual([])
    expect(predict(GIVEN)).toMatchObject({
      status: 'refused',
      states: ['undone', 'undone', 'blocked'],
      generations: [2, 3, 3],
    })
  })

  it.each([
    ['undone in the wrong order', [...RIGHT.slice(0, 3), 'a:compensate/g1', 'b:compensate/g1'], 'before b'],
    ['never undone', RIGHT.slice(0, 4), 'a:compensate/g1 was sent 0 times'],
    ['undone with another key', [...RIGHT, 'a:compensate/g2'], 'with the keys run/a:compensate/g2'],
    ['undone twice', [...RIGHT, 'a:compensate/g1'], 'a:compensate/g1 was sent 2 times'],
    ['undone without success', [...RIGHT, 'c:compensate/g1'], 'with the keys run/c:compensate/g1'],
    [
      'done after it was undone',
      ['b/g1', 'c/g1', 'b:compensate/g1', 'a:compensate/g1', 'a/g1'],
      'a was done',
    ],
  ])('sees what was %s', (_, paths, problem) => {
    expect(said(paths).join('; ')).toContain(problem)
  })

  it('lets a kill cost one request more', () => {
    const kill = { victim: 'worker-io', isLater: false, afterRequests: 0, delayMs: 0 } as const
    expect(said([...RIGHT, 'a:compensate/g1'], { ...GIVEN, kills: [kill] })).toEqual([])
  })

  it('has a step done again, and undone again, after a reset', () => {
    expect(predict({ ...GIVEN, later: { verb: 'reset', step: 0 } })).toMatchObject({
      attempt: 2,
      status: 'refused',
      rollBacks: [
        new Map([
          [0, 1],
          [1, 1],
        ]),
        new Map([
          [0, 3],
          [1, 4],
        ]),
      ],
    })
  })
})
