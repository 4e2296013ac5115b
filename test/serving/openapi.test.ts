import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { PlanArm } from '../../domain/routing/plan.js'
import { KeyStore } from '../../stores/postgres/key-store.js'
import { writeOnnxModel } from '../../trainers/onnx/write-model.js'
import { assertTakes } from '../api/support/conforms.js'
import { eventually } from '../support/eventually.js'
import { SIGNATURE, smallModel, storeVersion } from './support/models.js'
import { type Answer, DOCUMENT, type ReplicaProcess } from './support/replica-process.js'
import { features, World } from './support/world.js'

const ONE: PlanArm[] = [{ version: 1, role: 'stable', weight: 100 }]
const PATH = '/v1/deployments/bike/predict'
const row = { features: features() }

/** So many trees that a thousand rows take a while. */
function slowModel(): Uint8Array {
  const trees = Array.from({ length: 20_000 }, (_, tree) => tree)
  const of = <T>(...nodes: T[]): T[] => trees.flatMap(() => nodes)
  return writeOnnxModel(
    {
      treeIds: trees.flatMap(tree => [tree, tree, tree]),
      nodeIds: of(0, 1, 2),
      featureIds: of(0, 0, 0),
      modes: of<'BRANCH_LT' | 'LEAF'>('BRANCH_LT', 'LEAF', 'LEAF'),
      thresholds: of(0.5, 0, 0),
      trueIds: of(1, 0, 0),
      falseIds: of(2, 0, 0),
      missingTracksTrue: of(0, 0, 0),
      leafTreeIds: trees.flatMap(tree => [tree, tree]),
      leafNodeIds: of(1, 2),
      leafWeights: of(1, 2),
    },
    SIGNATURE,
  )
}

describe('the OpenAPI description of serving', () => {
  let world: World
  let replica: ReplicaProcess
  let hurried: ReplicaProcess
  let alone: ReplicaProcess
  const seen = new Set<string>()
  beforeAll(async () => {
    world = await World.create()
    await world.deploy('bike', ONE)
    for (const [name, model] of [
      ['endless', smallModel(Infinity)],
      ['slow', slowModel()],
    ] as const) {
      const onnx = await world.objects.write('default', model)
      await world.deploy(name, ONE, [{ ...(await storeVersion(world.objects, 1)), onnx }])
    }
    const expired = { name: 'old', key: 'mlf_old', expiresAt: new Date(Date.now() - 1000) }
    await new KeyStore(world.database.dataSource).create({ project: 'default', role: 'viewer', ...expired })
    const dead = { MLFORGE_POSTGRES_URL: 'postgres://nobody:x@127.0.0.1:1/nothing' }
    const hurry = { MLFORGE_SERVING_DEADLINE_SECONDS: '0.05' }
    // One after the other: each start takes all there is of a small machine.
    replica = await (await world.replica({ name: 'serving-1' })).ready()
    hurried = await (await world.replica({ name: 'serving-2', env: hurry })).ready()
    alone = await (await world.replica({ name: 'serving-3', env: dead })).live()
  })
  afterAll(() => world.close())

  it('is the one in docs/openapi-serving.json (else run: node dist/serving/openapi.js), and is served', async () => {
    const file = new URL('../../../docs/openapi-serving.json', import.meta.url)
    const committed: unknown = JSON.parse(await readFile(file, 'utf8'))
    expect(JSON.parse(JSON.stringify(DOCUMENT))).toEqual(committed)
    const { status, body } = await replica.call('/openapi.json', { method: 'GET', key: null })
    expect([status, body]).toEqual([200, committed])
  })

  it('has no reference to nowhere', () => {
    const names = Object.keys(DOCUMENT.components!.schemas!)
    const references = [...JSON.stringify(DOCUMENT).matchAll(/"#\/components\/schemas\/([^"]*)"/g)]
    expect(new Set(references.map(match => match[1]))).toEqual(new Set(names))
  })

  // That each answer is as described is checked in every call of every test of serving.
  it.each<[number, string, () => Promise<Answer>]>([
    [400, 'invalid_request', () => replica.predict('bike', [])],
    [401, 'unauthorized', () => replica.predict('bike', [row], { key: null })],
    [401, 'key_expired', () => replica.predict('bike', [row], { key: 'mlf_old' })],
    [403, 'host_not_allowed', () => replica.predict('bike', [row], { headers: { host: 'evil.example' } })],
    [404, 'not_found', () => replica.predict('bike', [row], { version: 9 })],
    [
      409,
      'prediction_id_reused',
      async () => {
        await replica.predict('bike', [{ id: 'a', ...row }])
        return replica.predict('bike', [{ id: 'a', features: features(0.8) }])
      },
    ],
    [413, 'body_too_large', () => replica.predict('bike', Array(100_000).fill(row))],
    [
      415,
      'unsupported_media_type',
      () => replica.predict('bike', [row], { headers: { 'content-type': 'text/csv' } }),
    ],
    [422, 'features_invalid', () => replica.predict('bike', [{ features: {} }])],
    [500, 'internal', () => replica.predict('endless', [row])],
    [503, 'unavailable', () => alone.predict('bike', [row])],
  ])('holds for an answer of %i %s', async (status, code, send) => {
    const { status: got, body } = await send()
    expect([got, body.code]).toEqual([status, code])
    seen.add(code)
  })

  it('holds for answers of 503 overloaded and 504 timed_out', async () => {
    const rows = Array.from({ length: 1000 }, () => row)
    // Whether rows wait too long or too many of them wait is a matter of the machine.
    await eventually(async () => {
      const answers = await Promise.all(Array.from({ length: 16 }, () => hurried.predict('slow', rows)))
      for (const { body } of answers) if (body.code !== undefined) seen.add(body.code)
      expect([...seen]).toEqual(expect.arrayContaining(['overloaded', 'timed_out']))
    })
  })

  it('names no error that is not answered', () => {
    const { properties } = DOCUMENT.components!.schemas!['ProblemDetails'] as {
      properties: { code: { enum: string[] } }
    }
    expect(properties.code.enum.toSorted()).toEqual([...seen].toSorted())
  })

  it.each(['/live', '/ready', '/metrics'])('holds for %s, ready or not', async path => {
    for (const each of [replica, alone]) {
      const { status } = await each.call(path, { method: 'GET', key: null })
      expect(status).toBe(path === '/ready' && each === alone ? 503 : 200)
    }
  })

  it.each<[string, unknown, boolean]>([
    ['one row', { rows: [row] }, true],
    [
      'all members',
      { rows: [{ id: 'größe/7', key: 'a b', eventTime: '2012-01-31T13:00:00Z', ...row }] },
      true,
    ],
    ['1,000 rows', { rows: Array(1000).fill(row) }, true],
    ['no rows', { rows: [] }, false],
    ['1,001 rows', { rows: Array(1001).fill(row) }, false],
    ['an unknown member', { rows: [row], mode: 'fast' }, false],
    ['an unknown member of a row', { rows: [{ ...row, when: 1 }] }, false],
    ['no features', { rows: [{ id: 'a' }] }, false],
    // A text or null depends on the signature: transformations take them.
    ['a feature that is a list', { rows: [{ features: { ...row.features, temp: [1] } }] }, false],
    ['a feature that is an object', { rows: [{ features: { ...row.features, temp: {} } }] }, false],
    ['an id with a space', { rows: [{ id: 'a b', ...row }] }, false],
    ['a long id', { rows: [{ id: 'x'.repeat(201), ...row }] }, false],
    ['an empty key', { rows: [{ key: '', ...row }] }, false],
    ['a number as time', { rows: [{ eventTime: 1, ...row }] }, false],
  ])('takes a request as serving does: %s', async (_, body, taken) => {
    const takes = () => assertTakes(DOCUMENT, 'POST', PATH, body)
    const { status } = await replica.call(PATH, { body })
    if (taken) {
      expect(takes).not.toThrow()
      expect(status).toBe(200)
    } else {
      expect(takes).toThrow(/^POST \/v1\//)
      expect(status).toBeGreaterThanOrEqual(400)
      expect(status).toBeLessThan(500)
    }
  })
})
