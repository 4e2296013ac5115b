import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { eventually } from '../support/eventually.js'
import { KillBench } from './kill-bench.js'
import { CHOSEN_TOURS, POINT_TITLES, type ScenarioName } from './points.js'
import { ServingAlone } from './serving-alone.js'

describe('SIGKILL of any process at any point', () => {
  let bench: KillBench

  beforeAll(async () => {
    bench = await KillBench.start(CHOSEN_TOURS.flatMap(({ pairs }) => pairs))
  })
  afterAll(() => bench?.stop())

  it.each(
    CHOSEN_TOURS.map(({ scenario, pairs }, index) => ({
      pairs,
      title: `${scenario}: ${pairs.map(({ process, point }) => `${process} at ${POINT_TITLES[point]}`).join(', ')}`,
      serial: index + 1,
    })),
  )('$title', async ({ pairs, serial }) => {
    // Whether each kill hits its point is for the long suite: here other tests keep the machine busy.
    const { outcome, detail } = await bench.run(pairs, serial, { tries: 1 })
    const isRight = outcome === 'equal' || outcome === 'late'
    // The stack is gone when somebody reads this.
    if (!isRight) console.log(bench.stack.warnings().join('\n'))
    expect(isRight ? 'right' : `${outcome}: ${detail}`).toBe('right')
  })

  it.each<[string, ScenarioName, string]>([
    [
      'other bytes of a version',
      'training',
      `UPDATE model_versions SET sha256 = reverse(sha256) WHERE model_id = (SELECT id FROM models WHERE name = $1)`,
    ],
    ['a run that ended otherwise', 'training', `UPDATE runs SET trigger = reverse(trigger) WHERE name = $1`],
    [
      'a step that is not in the ledger',
      'training',
      `UPDATE ledger_steps SET step = reverse(step) WHERE step IN ('register', 'retsiger')
       AND run_id IN (SELECT id FROM runs WHERE name = $1)`,
    ],
    [
      'weights that were others',
      'rollout',
      `UPDATE routing_plans SET plan = jsonb_set(plan, '{arms,0,weight}', to_jsonb(140 - (plan->'arms'->0->>'weight')::int))
       WHERE revision = 4 AND deployment_id = (SELECT id FROM deployments WHERE name = $1)`,
    ],
    [
      'a champion that was not moved by the rollout',
      'rollout',
      `UPDATE alias_changes SET reason = reverse(reason)
       WHERE reason LIKE '%' || $1 || ': %' OR reverse(reason) LIKE '%' || $1 || ': %'`,
    ],
    [
      'an answer that is not in the log',
      'rollout',
      `UPDATE prediction_files SET deployment_id = reverse(replace(deployment_id::text, '-', ''))::uuid
       WHERE id = (SELECT f.id FROM prediction_files f JOIN deployments d
         ON f.deployment_id IN (d.id, reverse(replace(d.id::text, '-', ''))::uuid)
         WHERE d.name = $1 ORDER BY f.id LIMIT 1)`,
    ],
    [
      'an incident that ended otherwise',
      'incident',
      `UPDATE incidents SET status = CASE status WHEN 'closed' THEN 'suppressed' ELSE 'closed' END
       WHERE deployment_id = (SELECT id FROM deployments WHERE name = $1)`,
    ],
    [
      'a retraining set of other predictions',
      'incident',
      `UPDATE dataset_versions
       SET conversion = jsonb_set(conversion, '{joined,table}', to_jsonb(reverse(conversion#>>'{joined,table}')))
       WHERE version = 2 AND dataset_id = (SELECT id FROM datasets WHERE name = $1)`,
    ],
    [
      'a step that was never undone',
      'release',
      `UPDATE ledger_steps SET generation = -generation
       WHERE step = 'champion:compensate' AND run_id IN (SELECT id FROM runs WHERE name = $1)`,
    ],
  ])('the comparison sees %s', async (_, scenario, statement) => {
    const play = bench.play(scenario)
    // Done twice, each of these is undone.
    await bench.stack.query(statement, [play.lastName])
    const found = await play.differences()
    await bench.stack.query(statement, [play.lastName])
    expect(found).not.toEqual([])
  })

  it.each(['training', 'rollout', 'incident', 'release'] as const)(
    'the comparison sees nothing in a %s once all is as it was',
    async scenario => expect(await bench.play(scenario).differences()).toEqual([]),
  )

  it('a replica started alone answers from its cache, and what it logged is ingested later', async () => {
    const alone = new ServingAlone(bench.stack, bench.play('rollout').lastName)
    const before = await alone.predict('before')
    await alone.killEverything()
    try {
      await alone.restart()
      expect(await alone.predict('alone')).toEqual(before)
      await alone.keepsSealedSegments()
      await alone.bringBackTheRest()
      for (const name of ['before', 'alone']) {
        await eventually(async () => expect(await alone.ingested(name)).toEqual(before))
      }
    } finally {
      await alone.end()
    }
    expect((await bench.stack.check()).problems).toEqual([])
  })
})
