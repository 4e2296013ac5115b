import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { canonicalJson } from '../../domain/canonical-json.js'
import { replayFor } from '../../domain/models/replayed.js'
import type { ServedVersion } from '../../domain/serving/served-version.js'
import { type FittedTransformation, fittedJson } from '../../domain/transformations/fitted.js'
import { eventually } from '../support/eventually.js'
import { SIGNATURE, storeVersion } from './support/models.js'
import type { ReplicaProcess } from './support/replica-process.js'
import { World } from './support/world.js'

/** The temperature in other units, and the time of day as a number. */
function fitted(center: number): FittedTransformation {
  return {
    format: 1,
    steps: [
      { kind: 'scale', columns: ['temp'], method: 'standard' },
      { kind: 'ordinal', columns: ['hr'] },
    ],
    input: [
      { name: 'temp', type: 'DOUBLE' },
      { name: 'hr', type: 'VARCHAR' },
      { name: 'workingday', type: 'BOOLEAN' },
      { name: 'cnt', type: 'BIGINT' },
    ],
    state: [
      { kind: 'scale', centers: [center], scales: [10] },
      { kind: 'ordinal', categories: [['evening', 'morning']] },
    ],
    output: [
      { name: 'temp', type: 'DOUBLE' },
      { name: 'hr', type: 'BIGINT' },
      { name: 'workingday', type: 'BOOLEAN' },
      { name: 'cnt', type: 'BIGINT' },
    ],
    rows: 3,
  }
}

let world: World
let replica: ReplicaProcess
async function transformed(version: number, center: number): Promise<ServedVersion> {
  const served = await storeVersion(world.objects, version)
  const state = fitted(center)
  const { transformation } = replayFor({ name: 'prep', version }, state, SIGNATURE)
  return {
    ...served,
    signature: { ...SIGNATURE, transformation },
    transformation: await world.objects.write('default', Buffer.from(canonicalJson(fittedJson(state)))),
  }
}
const ROW = { temp: 12, hr: 'morning', workingday: true }

beforeAll(async () => {
  world = await World.create()
  const versions = [await transformed(1, 0), await transformed(2, 10), await storeVersion(world.objects, 3)]
  const shadow = { role: 'shadow', weight: 0, sample: 100 } as const
  const arms = [
    { version: 1, role: 'stable', weight: 100 },
    { version: 2, ...shadow },
    { version: 3, ...shadow },
  ] as const
  await world.deploy('raw', arms, versions)
  replica = await (await world.replica()).ready()
})
afterAll(() => world.close())

describe('a version behind a transformation', () => {
  it('answers what callers give it; each shadow sees that by its own transformation', async () => {
    const { status, body } = await replica.predict('raw', [{ id: 'one', features: { ...ROW, cnt: 7 } }])
    expect([status, body.predictions]).toEqual([200, [{ id: 'one', version: 1, value: 101 }]])
    const records = await world.sentUntil(2)
    expect(
      records.map(({ version, role, features, output }) => ({ version, role, features, output })),
    ).toEqual([
      { version: 1, role: 'stable', features: { temp: 1.2, hr: 1, workingday: true }, output: 101 },
      { version: 2, role: 'shadow', features: { temp: 0.2, hr: 1, workingday: true }, output: 200 },
    ])
    // The third knows no such rows.
    await eventually(async () =>
      expect(await replica.metrics()).toMatch(
        'mlforge_predict_shadow_rows_lost_total{deployment="raw",version="3"} 1',
      ),
    )
  })

  it('gives the first answer again for the same row, and refuses another one of its id', async () => {
    const { cnt: _, ...same } = { ...ROW, cnt: 8 }
    const again = await replica.predict('raw', [{ id: 'one', features: same }])
    expect(again.body.predictions).toEqual([{ id: 'one', version: 1, value: 101 }])
    const other = await replica.predict('raw', [{ id: 'one', features: { ...ROW, temp: 3 } }])
    expect([other.status, other.body.code]).toEqual([409, 'prediction_id_reused'])
  })

  it.each<[string, unknown, string, RegExp]>([
    ['nothing', null, 'rows[0].features', /must be an object/],
    ['a category that it does not know', { ...ROW, hr: 'noon' }, 'rows[0].features', /"noon" is no category/],
    ['a missing value that stays one', { ...ROW, temp: null }, 'rows[0].features.temp', /not null/],
    ['a value of another type', { ...ROW, workingday: 1 }, 'rows[0].features.workingday', /BOOLEAN/],
    ['an unknown column', { ...ROW, tmp: 1 }, 'rows[0].features.tmp', /"temp"/],
    ['a name of objects', { ...ROW, constructor: 1 }, 'rows[0].features.constructor', /no column/],
  ])('refuses %s', async (_, features, at, message) => {
    const { status, body } = await replica.predict('raw', [{ features }])
    expect([status, body.code]).toEqual([422, 'features_invalid'])
    expect(body.problems[0]).toEqual({ at, message: expect.stringMatching(message) })
  })

  it('is not taken by a replica that cannot have its state whole; the plan before goes on', async () => {
    const damaged = await transformed(1, 0)
    const { uri } = await world.objects.write('default', Buffer.from('{}'))
    const versions = [
      { ...damaged, transformation: { ...damaged.transformation!, uri, sha256: 'a'.repeat(64) } },
    ]
    const arms = [{ version: 1, role: 'stable', weight: 100 }] as const
    const { id } = await world.deploy('damaged', arms, versions)
    await eventually(async () => {
      const [row] = await world.deployments.replicas(id)
      expect(row?.problem).toMatch(/hashes to/)
    })
    expect((await replica.predict('raw', [{ features: ROW }])).status).toBe(200)
  })

  it('is served by a replica that comes up with nothing but its own disk', async () => {
    await replica.kill()
    replica = await world.replica({
      env: {
        MLFORGE_POSTGRES_URL: 'postgres://nobody@127.0.0.1:1/nothing',
        MLFORGE_OBJECTS_DIRECTORY: '/nowhere',
      },
    })
    await replica.ready()
    const { status, body } = await replica.predict('raw', [{ id: 'alone', features: ROW }])
    expect([status, body.predictions]).toEqual([200, [{ id: 'alone', version: 1, value: 101 }]])
  })
})
