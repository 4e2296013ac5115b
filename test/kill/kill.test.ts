import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals'
import { CHOSEN_PAIRS, POINT_TITLES } from './points.js'
import { KillBench } from './run-pair.js'

jest.setTimeout(180_000)

describe('SIGKILL of any process at any point', () => {
  let bench: KillBench

  beforeAll(async () => {
    bench = await KillBench.start(CHOSEN_PAIRS)
  })
  afterAll(() => bench?.stop())

  it.each(
    CHOSEN_PAIRS.map((pair, serial) => ({ ...pair, title: POINT_TITLES[pair.point], serial: serial + 1 })),
  )('$process at: $title', async ({ point, process, serial }) => {
    const { outcome, detail } = await bench.run({ point, process }, serial)
    expect({ outcome, detail }).toEqual({ outcome: 'equal', detail: expect.any(String) })
  })

  it.each([
    [
      'other bytes of a version',
      `UPDATE model_versions SET sha256 = reverse(sha256) WHERE model_id = (SELECT id FROM models WHERE name = $1)`,
    ],
    ['a run that ended otherwise', `UPDATE runs SET trigger = reverse(trigger) WHERE name = $1`],
    [
      'a step that is not in the ledger',
      `UPDATE ledger_steps SET step = reverse(step) WHERE step IN ('register', 'retsiger')
       AND run_id IN (SELECT id FROM runs WHERE name = $1)`,
    ],
  ])('the comparison sees %s', async (_, statement) => {
    // Done twice, each of these is undone.
    await bench.stack.query(statement, [bench.lastName])
    expect(await bench.differences()).not.toEqual([])
    await bench.stack.query(statement, [bench.lastName])
    expect(await bench.differences()).toEqual([])
  })
})
