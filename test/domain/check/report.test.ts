import { describe, expect, it } from '@jest/globals'
import type { RunFacts } from '../../../domain/check/facts.js'
import { buildReport } from '../../../domain/check/report.js'
import { codes, content, hash, NOW, stack } from './support.js'

const move = (alias: string, fromVersion: number | null, toVersion: number | null, second: number) => ({
  modelId: 'model-1',
  alias,
  fromVersion,
  toVersion,
  principal: 'key:a',
  reason: 'a test',
  at: new Date(second * 1000),
})

describe('comparable', () => {
  it('is equal for the same work with other ids, times and more attempts', () => {
    const calm = stack('1')
    const killed = stack('2', { attempt: 3, endedAt: new Date(0), history: null })
    expect(buildReport({ ...killed, now: new Date(1) }).comparable).toEqual(buildReport(calm).comparable)
  })

  it('differs when other bytes were registered, or an effect came twice', () => {
    const calm = stack('1')
    const [version] = calm.modelVersions
    const other = { ...calm, modelVersions: [{ ...version!, sha256: hash('c') }] }
    const twice = { ...calm, modelVersions: [version!, { ...version!, version: 2 }] }
    for (const facts of [other, twice]) {
      expect(buildReport(facts).comparable).not.toEqual(buildReport(calm).comparable)
    }
  })
})

describe('problems', () => {
  it('are none for a stack that is well', () => {
    expect(buildReport(stack('1'))).toMatchObject({ ok: true, problems: [] })
  })

  it('name a step without its row, a row that says otherwise, and a success without a step', () => {
    const well = stack('1')
    expect(codes({ ...well, modelVersions: [] })).toEqual(['effect_missing'])
    expect(codes({ ...well, ledger: [], modelVersions: [] })).toEqual(['effect_missing'])
    const outcome = { version: 1, sha256: hash('d') }
    expect(codes({ ...well, ledger: [{ ...well.ledger[0]!, outcome }] })).toEqual(['effect_differs'])
  })

  it('are none for a model that a pipeline has registered of a file, once, under the key of its step', () => {
    const well = stack('1')
    const [version, run, step] = [well.modelVersions[0]!, well.runs[0]!, well.ledger[0]!]
    const given = { ...version, engine: 'onnx', gate: null, effectKey: `${version.runId}/given/g1` }
    const outputs = { model: 'demand', version: 1, sha256: version.sha256 }
    const facts = {
      ...well,
      runs: [{ ...run, kind: 'pipeline' as const, workflowId: 'default/pipeline/demand/1' }],
      workflows: new Map([['default/pipeline/demand/1', 'COMPLETED']]),
      modelVersions: [given],
      ledger: [
        { ...step, step: 'given', outcome: { outputs } },
        { ...step, step: 'load', outcome: { outputs: { version: 3 } } },
      ],
    }
    const of = (change: object) => codes({ ...facts, ...change }).filter(code => /effect|gate/.test(code))
    expect(of({})).toEqual([])
    expect(of({ modelVersions: [] })).toEqual(['effect_missing'])
    expect(of({ ledger: [] })).toEqual(['effect_without_step'])
    expect(of({ modelVersions: [given, { ...given, version: 2 }] })).toEqual(['effect_duplicated'])
    const other = { ...step, step: 'given', outcome: { outputs: { ...outputs, version: 2 } } }
    expect(of({ ledger: [other] })).toEqual(['effect_differs'])
    // A trained version has a gate.
    expect(of({ modelVersions: [{ ...given, engine: 'xgboost' }] })).toEqual(['gate_not_passed'])
  })

  it.each([
    ['succeeded', 'COMPLETED', []],
    ['succeeded', 'FAILED', ['run_ended_differently']],
    ['succeeded', 'RUNNING', ['run_ended_workflow_open']],
    ['succeeded', null, ['workflow_missing']],
    ['running', 'RUNNING', []],
    ['running', 'TERMINATED', ['run_not_closed']],
    ['accepted', null, ['workflow_missing']],
  ] as const)('for a row that is %s and a workflow that is %s: %j', (status, workflow, expected) => {
    const facts = stack('1', { status })
    const workflows = new Map([[facts.runs[0]!.workflowId, workflow]])
    expect(codes({ ...facts, workflows })).toEqual(expected)
  })

  it('are none where Temporal has let go of a history that is archived or old', () => {
    const gone = (more: Partial<RunFacts>) => {
      const facts = stack('1', more)
      return { ...facts, workflows: new Map([[facts.runs[0]!.workflowId, null]]) }
    }
    expect(codes(gone({ endedAt: new Date('2025-11-01T00:00:00Z') }))).toEqual([])
    const history = content('e').uri
    const archived = gone({ history })
    expect(codes({ ...archived, objects: new Map([...archived.objects, [history, { bytes: 3 }]]) })).toEqual(
      [],
    )
  })

  it('name an alias change that was recorded twice, and an alias that points elsewhere', () => {
    const well = stack('1')
    const alias = { modelId: 'model-1', alias: 'champion', version: 1 }
    const once = { ...well, aliases: [alias], aliasChanges: [move('champion', null, 1, 1)] }
    expect(codes(once)).toEqual([])
    const twice = [...once.aliasChanges, move('champion', null, 1, 2)]
    expect(codes({ ...once, aliasChanges: twice })).toEqual(['alias_history_broken'])
    const removed = [...once.aliasChanges, move('champion', 1, null, 2)]
    expect(codes({ ...once, aliasChanges: removed })).toEqual(['alias_history_broken'])
    expect(codes({ ...once, aliases: [], aliasChanges: removed })).toEqual([])
  })

  it('name a start that is owed for over a minute', () => {
    const facts = stack('1', { status: 'accepted' })
    const owed = (seconds: number) => [
      {
        runId: 'run-1',
        attempt: 1,
        tries: 4,
        lastError: 'refused',
        createdAt: new Date(NOW.getTime() - seconds * 1000),
      },
    ]
    expect(codes({ ...facts, owed: owed(30) })).not.toContain('start_overdue')
    expect(codes({ ...facts, owed: owed(90) })).toContain('start_overdue')
  })

  it('name an object of another size', () => {
    const facts = stack('1')
    const objects = new Map([...facts.objects, [content('a').uri, { bytes: 6 }]])
    expect(codes({ ...facts, objects })).toEqual(['object_size'])
  })
})
