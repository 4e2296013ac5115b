import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { chooseArm, isMirrored } from '../../domain/routing/choose-arm.js'
import type { PlanArm } from '../../domain/routing/plan.js'
import { KeyStore } from '../../stores/postgres/key-store.js'
import { eventually } from '../support/eventually.js'
import { SIGNATURE, storeVersion } from './support/models.js'
import type { ReplicaProcess } from './support/replica-process.js'
import { features, World } from './support/world.js'

const ARMS: readonly PlanArm[] = [
  { version: 1, role: 'stable', weight: 70 },
  { version: 2, role: 'candidate', weight: 30 },
  { version: 3, role: 'shadow', weight: 0, sample: 50 },
]
const PLAN = { arms: ARMS, salt: 'salt' }

let world: World
let replica: ReplicaProcess
beforeAll(async () => {
  world = await World.create()
  await world.deploy('bike', ARMS)
  await world.deploy('plain', [{ version: 1, role: 'stable', weight: 100 }])
  replica = await (await world.replica()).ready()
})
afterAll(() => world.close())

/** Records of these ids, once as many as expected were sent. */
const logged = async (prefix: string, count: number) =>
  eventually(async () => {
    const records = (await world.sent()).filter(({ id }) => id.startsWith(prefix))
    expect(records).toHaveLength(count)
    return records
  })

describe('an answer', () => {
  it('follows the split by the key, else by the id, and all of it is logged before', async () => {
    const rows = Array.from({ length: 200 }, (_, i) => ({
      id: `split-${i}`,
      eventTime: new Date(Date.UTC(2012, 0, 1, i)).toISOString(),
      ...(i % 2 === 0 ? { key: `key-${i % 20}` } : {}),
      features: features(i % 3 === 0 ? 0.8 : 0.2),
    }))
    const { status, body } = await replica.predict('bike', rows)
    expect(status).toBe(200)
    expect([body.deployment, body.revision]).toEqual(['bike', 1])
    expect(body.predictions).toEqual(
      rows.map(({ id, key = id }, i) => {
        const { version } = chooseArm(PLAN, key)
        return { id, version, value: 100 * version + (i % 3 === 0 ? 1 : 0) }
      }),
    )
    const mirrored = rows.filter(({ id, key = id }) => isMirrored(PLAN, ARMS[2]!, key))
    expect(mirrored.length).toBeGreaterThan(50)
    const records = await logged('split-', 200 + mirrored.length)
    const answers = records.filter(({ role }) => role !== 'shadow')
    expect(answers.map(record => record.id)).toEqual(rows.map(({ id }) => id))
    for (const [i, record] of answers.entries()) {
      const { id, key = id, eventTime, features: sent } = rows[i]!
      expect(record).toMatchObject({ deployment: 'bike', revision: 1, key, features: sent })
      expect(record.eventTime).toBe(Date.parse(eventTime))
      expect(record.output).toBe(body.predictions[i]!.value)
      expect(record.role).toBe(record.version === 1 ? 'stable' : 'candidate')
    }
    const shadows = records.filter(({ role }) => role === 'shadow')
    expect(shadows.map(({ id }) => id).toSorted()).toEqual(mirrored.map(({ id }) => id).toSorted())
    for (const { version, output } of shadows) expect([version, Math.floor(output)]).toEqual([3, output])
    expect(new Set(records.map(({ sequence }) => sequence)).size).toBe(records.length)
  })

  it('names a prediction that has no id, at the time of its arrival', async () => {
    const before = Date.now()
    const { body } = await replica.predict('plain', [{ features: features() }])
    const { id } = body.predictions[0]!
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-/)
    const [record] = await logged(id, 1)
    expect(record!.key).toBe(id)
    expect(record!.eventTime).toBeGreaterThanOrEqual(before)
    expect(record!.eventTime).toBe(record!.at)
  })

  it.each<[string, (id: string) => ReturnType<ReplicaProcess['predict']>]>([
    ['path', id => replica.predict('bike', [{ id, features: features() }], { version: 2 })],
    [
      'header',
      id => replica.predict('bike', [{ id, features: features() }], { headers: { 'mlforge-version': '2' } }),
    ],
  ])('comes from the version that the %s names, past the split', async (where, send) => {
    const { status, body } = await send(`pinned-${where}`)
    expect(status).toBe(200)
    expect(body.predictions).toEqual([{ id: `pinned-${where}`, version: 2, value: 200 }])
    const [record] = await logged(`pinned-${where}`, 1)
    expect(record).toMatchObject({ role: 'pinned', version: 2, revision: 1 })
  })

  it.each<[string, number, string, Parameters<ReplicaProcess['predict']>[2]]>([
    ['not in the plan', 404, 'not_found', { version: 9 }],
    ['that is none', 400, 'invalid_request', { headers: { 'mlforge-version': 'latest' } }],
    ['and another one', 400, 'invalid_request', { version: 2, headers: { 'mlforge-version': '1' } }],
  ])('is refused for a version %s', async (_, status, code, call) => {
    const answer = await replica.predict('bike', [{ features: features() }], call)
    expect([answer.status, answer.body.code]).toEqual([status, code])
  })
})

it('a category that no training has seen is a number like others: answered, logged, and drift shows it', async () => {
  const { status } = await replica.predict('plain', [{ id: 'unseen', features: { ...features(), hr: 99 } }])
  expect(status).toBe(200)
  expect((await logged('unseen', 1))[0]!.features).toEqual({ ...features(), hr: 99 })
})

describe('a prediction id', () => {
  const send = (id: string, temp = 0.2, deployment = 'plain') =>
    replica.predict(deployment, [{ id, features: features(temp) }])

  it('that comes again gets the first answer, and is logged once', async () => {
    const first = await send('again-1')
    const reordered = { workingday: true, hr: 7, temp: 0.2 }
    const second = await replica.predict('plain', [{ id: 'again-1', features: reordered }])
    expect(second.body).toEqual(first.body)
    await send('again-2')
    expect((await logged('again-', 2)).map(({ id }) => id)).toEqual(['again-1', 'again-2'])
  })

  it('is another one on another deployment', async () => {
    expect((await send('elsewhere', 0.2, 'plain')).status).toBe(200)
    expect((await send('elsewhere', 0.8, 'bike')).status).toBe(200)
  })

  it('that comes with other features is refused, with everything in its request', async () => {
    await send('reused-1')
    const rows = [
      { id: 'reused-new', features: features() },
      { id: 'reused-1', features: features(0.8) },
    ]
    const { status, body } = await replica.predict('plain', rows)
    expect([status, body.code]).toEqual([409, 'prediction_id_reused'])
    expect(body.problems).toEqual([
      {
        at: 'rows[1].id',
        message: 'was used before, with other features. Give each prediction an id of its own.',
      },
    ])
    expect((await send('reused-new', 0.8)).status).toBe(200)
    expect((await logged('reused-', 2)).map(({ id }) => id)).toEqual(['reused-1', 'reused-new'])
  })

  it('that was pinned is another prediction than one of the split', async () => {
    await replica.predict('plain', [{ id: 'pin', features: features() }], { version: 1 })
    const { status, body } = await send('pin')
    expect([status, body.code]).toEqual([409, 'prediction_id_reused'])
    expect(body.problems[0]!.message).toMatch(/another version/)
  })

  it('may come twice in one body', async () => {
    const row = { id: 'twice', features: features() }
    const { body } = await replica.predict('plain', [row, { id: 'twice-other', features: features() }, row])
    expect(body.predictions.map(({ id }) => id)).toEqual(['twice', 'twice-other', 'twice'])
    await logged('twice', 2)
    const clash = await replica.predict('plain', [
      { id: 'clash', features: features(0.2) },
      { id: 'clash', features: features(0.8) },
    ])
    expect([clash.status, clash.body.code]).toEqual([409, 'prediction_id_reused'])
    expect((await send('clash', 0.8)).status).toBe(200)
  })

  it('may come many times at once', async () => {
    const answers = await Promise.all(Array.from({ length: 40 }, () => send('crowd')))
    expect(answers.map(({ status }) => status)).toEqual(Array(40).fill(200))
    expect(new Set(answers.map(({ body }) => JSON.stringify(body))).size).toBe(1)
    await send('crowd-end')
    await logged('crowd', 2)
  })
})

describe('a request that is refused', () => {
  const row = { features: features() }

  it('says all that is wrong, and nothing of it is logged', async () => {
    const { status, body, headers } = await replica.predict('plain', [
      { id: 'refused-0', features: features() },
      { id: 'refused-1', features: { tmp: 1, hr: 7.5, workingday: true } },
      { id: 'refused 2', eventTime: 'yesterday', features: {} },
    ])
    expect([status, body.code, headers['content-type']]).toEqual([
      400,
      'invalid_request',
      'application/problem+json; charset=utf-8',
    ])
    expect(body.problems.map(({ at }) => at)).toEqual([
      'rows[2].id',
      'rows[2].eventTime',
      'rows[1].features.temp',
      'rows[1].features.hr',
      'rows[1].features.tmp',
      'rows[2].features.temp',
      'rows[2].features.hr',
      'rows[2].features.workingday',
    ])
    await replica.predict('plain', [{ id: 'refused-end', features: features() }])
    expect((await logged('refused', 1)).map(({ id }) => id)).toEqual(['refused-end'])
  })

  it('is unprocessable when only its features are wrong', async () => {
    const { status, body } = await replica.predict('plain', [{ features: { ...row.features, temp: 'warm' } }])
    expect([status, body.code]).toEqual([422, 'features_invalid'])
    expect(body).toMatchObject({
      title: 'Features invalid',
      type: 'urn:mlforge:error:features_invalid',
      instance: '/v1/deployments/plain/predict',
      problems: [{ at: 'rows[0].features.temp', message: 'must be a number, not "warm".' }],
    })
  })

  it.each<[string, number, string, () => ReturnType<ReplicaProcess['call']>]>([
    ['without a key', 401, 'unauthorized', () => replica.predict('plain', [row], { key: null })],
    ['with an unknown key', 401, 'unauthorized', () => replica.predict('plain', [row], { key: 'mlf_x' })],
    [
      'for another host',
      403,
      'host_not_allowed',
      () => replica.predict('plain', [row], { headers: { host: 'evil.example' } }),
    ],
    ['to an unknown deployment', 404, 'not_found', () => replica.predict('plane', [row])],
    ['to an unknown address', 404, 'not_found', () => replica.call('/v1/nothing', { method: 'GET' })],
    [
      'that is no JSON',
      400,
      'invalid_request',
      () => replica.call('/v1/deployments/plain/predict', { body: '{"rows": [NaN]}' }),
    ],
    [
      'that is empty',
      400,
      'invalid_request',
      () => replica.call('/v1/deployments/plain/predict', { body: '' }),
    ],
    [
      'of another type',
      415,
      'unsupported_media_type',
      () => replica.predict('plain', [row], { headers: { 'content-type': 'text/csv' } }),
    ],
    ['of 100,000 rows', 400, 'invalid_request', () => replica.predict('plain', Array(100_000).fill(1))],
    [
      'of 100,000 whole rows',
      413,
      'body_too_large',
      () => replica.predict('plain', Array(100_000).fill(row)),
    ],
    ['of 1,001 rows', 400, 'invalid_request', () => replica.predict('plain', Array(1_001).fill(row))],
    [
      'that poisons prototypes',
      400,
      'invalid_request',
      () => replica.call('/v1/deployments/plain/predict', { body: '{"__proto__": {"rows": []}}' }),
    ],
    [
      'whose address is no address',
      400,
      'invalid_request',
      () => replica.call('/v1/deployments/%zz/predict', { body: { rows: [row] } }),
    ],
    ['whose deployment has an endless name', 404, 'not_found', () => replica.predict('x'.repeat(400), [row])],
  ])('%s answers %i %s', async (_, status, code, send) => {
    const { status: got, body, headers } = await send()
    expect([got, body.code]).toEqual([status, code])
    expect(headers['content-type']).toBe('application/problem+json; charset=utf-8')
    expect(headers['www-authenticate']).toBe(status === 401 ? 'Bearer realm="mlforge"' : undefined)
  })

  const tomorrow = new Date(Date.now() + 25 * 3_600_000).toISOString()
  it.each<[string, string, number, string, RegExp]>([
    ['an unknown feature', '"tmp": 0.2, "hr": 7, "workingday": true', 422, 'features.temp', /missing/],
    [
      'an extra feature',
      '"temp": 0.2, "hr": 7, "workingday": true, "hum": 1',
      422,
      'features.hum',
      /no feature/,
    ],
    ['a text', '"temp": "0.2", "hr": 7, "workingday": true', 422, 'features.temp', /a number, not "0.2"/],
    ['a text NaN', '"temp": "NaN", "hr": 7, "workingday": true', 422, 'features.temp', /not "NaN"/],
    ['null', '"temp": null, "hr": 7, "workingday": true', 422, 'features.temp', /not null/],
    [
      'a number of the wrong type',
      '"temp": 0.2, "hr": 7, "workingday": 1',
      422,
      'features.workingday',
      /true/,
    ],
    ['part of an hour', '"temp": 0.2, "hr": 7.5, "workingday": true', 422, 'features.hr', /whole number/],
    ['1e999', '"temp": 1e999, "hr": 7, "workingday": true', 422, 'features.temp', /not a finite number/],
    ['1e39', '"temp": 1e39, "hr": 7, "workingday": true', 422, 'features.temp', /float32/],
    ['NaN', '"temp": NaN, "hr": 7, "workingday": true', 400, 'body', /Unexpected token/],
    ['Infinity', '"temp": -Infinity, "hr": 7, "workingday": true', 400, 'body', /minus sign/],
    [
      'a poisoned prototype',
      '"__proto__": { "temp": 1 }, "hr": 7, "workingday": true',
      400,
      'body',
      /__proto__/,
    ],
  ])('with %s in a row says where and why', async (_, members, status, at, message) => {
    const body = `{"rows": [{"id": "bad", "features": {${members}}}]}`
    const { status: got, body: problem } = await replica.call('/v1/deployments/plain/predict', { body })
    expect(got).toBe(status)
    const where = at === 'body' ? at : `rows[0].${at}`
    expect(problem.problems.find(each => each.at === where)?.message).toMatch(message)
    // The id is still free, so nothing was kept of the row.
    const good = await replica.predict('plain', [{ id: 'bad', features: features() }])
    expect(good.status).toBe(200)
  })

  it.each<[string, unknown, RegExp]>([
    ['in the future', tomorrow, /more than 24 hours in the future/],
    ['that cannot be read', 'yesterday', /ISO 8601/],
    ['without an offset', '2012-01-31T13:00:00', /with an offset/],
    ['that is no time of day', '2012-01-31T24:00:00Z', /ISO 8601/],
    ['in milliseconds', 1_328_014_800_000, /ISO 8601/],
  ])('with an event time %s says so', async (_, eventTime, message) => {
    const { status, body } = await replica.predict('plain', [{ eventTime, features: features() }])
    expect([status, body.problems[0]!.at]).toEqual([400, 'rows[0].eventTime'])
    expect(body.problems[0]!.message).toMatch(message)
  })

  it('with an unknown name is told the nearest', async () => {
    expect((await replica.predict('plaim', [row])).body.detail).toMatch('Did you mean "plain"?')
  })

  it('with a key of the other header, or one that expires or is revoked', async () => {
    const byHeader = () =>
      replica.predict('plain', [row], { key: null, headers: { 'x-api-key': 'mlf_passing' } })
    const keys = new KeyStore(world.database.dataSource)
    const key = { project: 'default', role: 'viewer' as const }
    const { id } = await keys.create({ ...key, name: 'passing', key: 'mlf_passing', expiresAt: null })
    await eventually(async () => expect((await byHeader()).status).toBe(200))
    await keys.revoke('default', id)
    await eventually(async () => expect((await byHeader()).status).toBe(401))
    await keys.create({ ...key, name: 'old', key: 'mlf_old', expiresAt: new Date(Date.now() - 1000) })
    await eventually(async () => {
      const { status, body } = await replica.predict('plain', [row], { key: 'mlf_old' })
      expect([status, body.code]).toEqual([401, 'key_expired'])
    })
  })
})

it('1,000 rows are answered at once', async () => {
  const rows = Array.from({ length: 1000 }, (_, i) => ({ id: `many-${i}`, features: features() }))
  const { status, body } = await replica.predict('plain', rows)
  expect(status).toBe(200)
  expect(body.predictions).toHaveLength(1000)
  await logged('many-', 1000)
})

it('a version is judged by its own signature; a shadow that needs more than the row has scores none', async () => {
  const wide = {
    ...SIGNATURE,
    features: [...SIGNATURE.features, { name: 'hum', type: 'number' as const }],
  }
  const versions = [await storeVersion(world.objects, 1), await storeVersion(world.objects, 2, wide)]
  const arms: PlanArm[] = [
    { version: 1, role: 'stable', weight: 100 },
    { version: 2, role: 'shadow', weight: 0, sample: 100 },
  ]
  const { id, revision } = await world.deploy('wide', arms, versions)
  await world.inForce(id, revision)
  expect((await replica.predict('wide', [{ id: 'wide-1', features: features() }])).status).toBe(200)
  const pinned = await replica.predict('wide', [{ features: features() }], { version: 2 })
  expect(pinned.body.problems).toEqual([
    { at: 'rows[0].features.hum', message: 'is missing; the model needs a number.' },
  ])
  await logged('wide-', 1)
  await eventually(async () =>
    expect(await replica.metrics()).toMatch(
      'mlforge_predict_shadow_rows_lost_total{deployment="wide",version="2"} 1',
    ),
  )
})

it('shows latency, rows, errors, queue, log and revisions', async () => {
  const text = await replica.metrics()
  for (const line of [
    /^mlforge_predict_duration_seconds_bucket\{le="0.005",deployment="plain",version="1"\} \d+$/m,
    /^mlforge_predict_rows_total\{deployment="bike",version="3",role="shadow"\} \d+$/m,
    /^mlforge_predict_errors_total\{deployment="plain",code="features_invalid"\} \d+$/m,
    /^mlforge_predict_queue_rows 0$/m,
    /^mlforge_prediction_log_bytes \d+$/m,
    /^mlforge_prediction_log_unsent_segments \d+$/m,
    /^mlforge_prediction_log_dropped_records 0$/m,
    /^mlforge_plan_revision\{deployment="bike"\} 1$/m,
  ]) {
    expect(text).toMatch(line)
  }
})
