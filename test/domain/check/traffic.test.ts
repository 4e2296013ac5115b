import { describe, expect, it } from '@jest/globals'
import type { CheckCode, RunFacts, StackFacts } from '../../../domain/check/facts.js'
import { buildReport } from '../../../domain/check/report.js'
import type { RunStatus } from '../../../domain/runs/run-status.js'
import { ago, candidate, codes, content, plan, served, stable } from './support.js'

const well = served()
const [rollout, training] = well.runs as [RunFacts, RunFacts]
const finished = (revision: number, step = `plan-${revision}`) => ({
  runId: 'rollout',
  step,
  generation: 1,
  outcome: { revision },
})
/** With a second version, and a second plan that the ledger knows. */
const withSecond = (second: ReturnType<typeof plan>, more: Partial<StackFacts> = {}): StackFacts => ({
  ...well,
  modelVersions: [
    well.modelVersions[0]!,
    { ...well.modelVersions[0]!, version: 2, effectKey: 'r/register/g1' },
  ],
  lineage: [...well.lineage, { runId: training.id, relation: 'wrote', node: 'model:demand@2' }],
  ledger: [
    ...well.ledger,
    { runId: 'r', step: 'register', generation: 1, outcome: { version: 2 } },
    finished(2),
  ],
  runs: [...well.runs, { ...training, id: 'r' }],
  plans: [well.plans[0]!, second],
  ...more,
})
const trial = withSecond(plan(2, [stable(1, 90), candidate(2, 10)]))
const ended =
  (status: RunStatus, result: unknown, kind = 'canary') =>
  (facts: StackFacts) => ({
    ...facts,
    runs: facts.runs.map(run =>
      run.id === 'rollout' ? { ...run, status, result, request: { strategy: { kind } } } : run,
    ),
  })
const promoted2 = { outcome: 'succeeded', rollout: 'promoted', version: 2, reason: null }

describe('traffic', () => {
  it('has no problems where a version was promoted', () => {
    expect(buildReport(well).problems).toEqual([])
  })

  it.each<[string, CheckCode[], StackFacts]>([
    ['revisions with a gap', ['plan_gap'], withSecond(plan(3, [stable(1)], { effectKey: 'rollout/plan-2/g1' }), { ledger: [...trial.ledger.slice(0, -1), { ...finished(3), step: 'plan-2' }] })], // prettier-ignore
    ['weights that are no split', ['plan_invalid'], { ...well, plans: [plan(1, [stable(1, 90)])], runs: [{ ...rollout, status: 'running', result: null }, training] }], // prettier-ignore
    ['a version that is not registered', ['plan_version_missing'], { ...trial, ...ended('running', null)({ ...trial, modelVersions: well.modelVersions, ledger: trial.ledger.filter(({ runId }) => runId !== 'r') }), runs: [{ ...rollout, status: 'running', result: null }, training] }], // prettier-ignore
    ['a version without its content', ['plan_version_missing'], { ...well, plans: [plan(1, [stable(1)], { versions: [] })] }], // prettier-ignore
    ['other content than is registered', ['plan_version_differs'], { ...well, plans: [plan(1, [stable(1)], { versions: [{ model: 'demand', version: 1, onnx: content('c') }] })] }], // prettier-ignore
    ['a trial that an ended rollout left', ['trial_left'], ended('failed', null)(trial)],
    ['a shadow that an ended rollout left', ['trial_left'], ended('failed', null)(withSecond(plan(2, [stable(1), { version: 2, role: 'shadow', weight: 0, sample: 20 }])))], // prettier-ignore
    ['a trial that is under way', [], ended('running', null)(trial)],
    ['the version before, kept warm by a blue-green promotion', [], withChampion(ended('succeeded', promoted2, 'blueGreen')(withSecond(plan(2, [stable(2), candidate(1, 0)]))))], // prettier-ignore
    ['the version before, kept warm by anything else', ['trial_left'], withChampion(ended('succeeded', promoted2)(withSecond(plan(2, [stable(2), candidate(1, 0)]))))], // prettier-ignore
    ['one effect in two rows', ['effect_duplicated', 'plan_version_missing'], withSecond(plan(2, [stable(1)], { effectKey: 'rollout/plan-1/g1', versions: [] }), { ledger: trial.ledger.slice(0, -1) })], // prettier-ignore
    ['a plan that no step has issued', ['effect_without_step'], withSecond(plan(2, [stable(1)]), { ledger: trial.ledger.slice(0, -1) })], // prettier-ignore
    ['a plan that the ledger knows and is gone', ['effect_missing'], { ...well, ledger: [...well.ledger, finished(2)] }], // prettier-ignore
    ['traffic that reconcile has taken back', [], withSecond(plan(2, [stable(1)], { effectKey: 'rollout/taken-back/g1' }), { ledger: trial.ledger.slice(0, -1) })], // prettier-ignore
    ['a replica that does not take the plan', ['replica_behind'], replicaAt(0, ago(1))],
    ['a replica that is gone', [], replicaAt(0, ago(60))],
    ['a replica that has it', [], replicaAt(1, ago(1))],
  ])('with %s: %j', (_, expected, facts) => {
    expect(codes(facts)).toEqual(expected)
  })
})

describe('a rollout', () => {
  const log = well.decisionLogs[0]!
  const championOf = (toVersion: number, at: Date) => [{ ...well.aliasChanges[0]!, toVersion, at }]
  const second = withSecond(plan(2, [stable(2)]))

  it.each<[string, CheckCode[], StackFacts]>([
    ['open twice', ['rollout_twice'], { ...well, runs: [{ ...rollout, id: 'a', status: 'running', result: null }, { ...rollout, id: 'b', status: 'accepted', result: null }, ...well.runs] }], // prettier-ignore
    ['promoted without traffic', ['promotion_without_traffic'], { ...ended('succeeded', promoted2)(withSecond(plan(2, [stable(1)]))), ...moved(2) }], // prettier-ignore
    ['promoted without a plan', ['promotion_without_traffic'], { ...well, plans: [], ledger: well.ledger.slice(0, -1) }], // prettier-ignore
    ['promoted while champion stays', ['promotion_without_champion'], ended('succeeded', promoted2)(second)],
    ['promoted, and champion moved by somebody later', [], { ...ended('succeeded', promoted2)(second), aliasChanges: championOf(1, ago(10)) }], // prettier-ignore
    ['promoted to what is champion already', [], { ...well, aliasChanges: championOf(1, ago(900)) }],
    ['with missing decisions', ['decision_gap'], { ...well, decisionLogs: [{ ...log, entries: 3 }] }],
    ['whose decisions begin late', ['decision_gap'], { ...well, decisionLogs: [{ ...log, entries: 3, first: 2 }] }], // prettier-ignore
    ['that ended otherwise than its log', ['decision_end'], { ...well, decisionLogs: [{ ...log, status: 'running' }] }], // prettier-ignore
    ['that ended without a log', ['decision_end'], { ...well, decisionLogs: [] }],
    ['that was stopped within', [], { ...ended('terminated', null)(well), decisionLogs: [{ ...log, status: 'running' }] }], // prettier-ignore
  ])('%s: %j', (_, expected, facts) => {
    expect(codes(facts)).toEqual(expected)
  })
})

function moved(toVersion: number): Pick<StackFacts, 'aliases' | 'aliasChanges'> {
  return {
    aliases: [{ ...well.aliases[0]!, version: toVersion }],
    aliasChanges: [{ ...well.aliasChanges[0]!, toVersion }],
  }
}

function withChampion(facts: StackFacts): StackFacts {
  return { ...facts, ...moved(2) }
}

function replicaAt(revision: number, seenAt: Date): StackFacts {
  const replica = { replica: 'a', deploymentId: 'bike', revision, problem: null, address: 'http://a', seenAt }
  return { ...well, replicas: [replica] }
}
