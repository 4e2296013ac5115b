import { afterAll, beforeAll, expect, it } from '@jest/globals'
import type { EntityManager } from 'typeorm'
import { recordDefinitions } from '../../activities/data/record-definitions.js'
import type { DataVerification, VerificationReport } from '../../contracts/rest/data-collection.js'
import type { FitRequest } from '../../contracts/temporal/fits.js'
import { decodeDefinition } from '../../domain/data/definitions.js'
import type { Suite } from '../../domain/expectations/expectation.js'
import { fsckData } from '../../infra/launcher/data-fsck.js'
import type { ObjectStore } from '../../stores/objects/object-store.js'
import { allObjects, bytesOf } from '../../stores/objects/whole.js'
import { DefinitionStore } from '../../stores/postgres/definition-store.js'
import { type CollectionBench, withEachStore } from '../support/collections.js'
import { eventually } from '../support/eventually.js'
import { type Harness, PROJECT } from '../support/harness.js'

const atLeast = (min: number): Suite => ({
  expectations: [{ type: 'expect_table_row_count_to_be_between', min_value: min, severity: 'error' }],
})
const STEPS = [{ kind: 'scale', columns: ['demand'], method: 'standard' }] as const

withEachStore('suites and transformations in the object store', start => {
  let bench: CollectionBench
  let harness: Harness
  beforeAll(async () => {
    bench = await start()
    ;({ harness } = bench)
    for (const demand of [1, 2]) {
      const csv = `day,demand\n2026-01-01,${demand}\n2026-01-02,7\n`
      await harness.ended(await harness.commit('hours', csv))
    }
    await put('hours', atLeast(1), { author: 'Ada', message: 'NUL \\u0000 and ü' })
    await put('hours', atLeast(2))
    await put('hours', atLeast(1))
    await fit(1)
    await fit(2, { where: 'demand < 50', folds: { count: 2, seed: 2 } })
    await harness.tick('superviseData')
  })
  afterAll(() => bench?.stop())

  const query = (text: string, values: unknown[] = []) =>
    harness.database.dataSource.query<Record<string, unknown>[]>(text, values)
  const put = (dataset: string, suite: Suite, more: object = {}) =>
    harness.ports.suites.put(PROJECT, dataset, {
      ...{ suite, author: null, message: null, principal: 'key:test' },
      ...more,
    })
  const fit = async (version: number, more: Partial<FitRequest> = {}) => {
    const { root } = await harness.ports.datasets.version(PROJECT, 'hours', version)
    const request: FitRequest = {
      dataset: { name: 'hours', version, root },
      where: null,
      steps: STEPS,
      ...more,
    }
    const run = await harness.ended(await harness.accept('fit', 'prep', request))
    expect(run).toMatchObject({ status: 'succeeded', result: { version } })
  }
  const rows = async () => ({
    suites: await query('SELECT * FROM suites ORDER BY dataset'),
    suiteVersions: await query('SELECT * FROM suite_versions ORDER BY suite_id, version'),
    transformations: await query('SELECT * FROM transformations ORDER BY name'),
    transformationVersions: await query('SELECT * FROM transformation_versions ORDER BY id'),
  })
  const stored = async () => {
    const uris: string[] = []
    for await (const { uri } of allObjects(harness.ports.objects, PROJECT, 'definitions')) uris.push(uri)
    return uris
  }
  const uriOf = async (...[t, version]: readonly [string, number]) => {
    for (const uri of await stored()) {
      const definition = decodeDefinition(await bytesOf(harness.ports.objects, uri))
      if (definition.t === t && definition.version === version) return uri
    }
    throw new Error(`there is no ${t} ${version}`)
  }
  const problems = async () => (await fsckData(harness.config)).problems
  const verify = async () => {
    const answer = await bench.api.call('POST', '/v1/data/verifications', { body: {} })
    const { id } = answer.body as DataVerification
    return eventually(async () => {
      const { body } = await bench.api.call('GET', `/v1/data/verifications/${id}`)
      expect(body).toMatchObject({ status: 'succeeded' })
      const report = await bench.api.call('GET', `/v1/data/verifications/${id}/report`)
      return (report.body as VerificationReport).damagedObjects
    })
  }

  it('are restored from there, with all that their rows say', async () => {
    const before = await rows()
    expect(before.suites).toMatchObject([{ dataset: 'hours', version: 1, sequence: 3, recorded: 3 }])
    expect(before.suiteVersions).toHaveLength(2)
    expect(before.transformationVersions).toHaveLength(2)
    await query('TRUNCATE suites, suite_versions, transformations, transformation_versions')
    const lost = await problems()
    expect(new Set(lost.map(({ code }) => code))).toEqual(new Set(['definition_unknown']))
    expect(lost).toHaveLength(5)

    const rebuild = () => fsckData(harness.config, { rebuild: true })
    expect(await rebuild()).toMatchObject({ ok: true, rebuilt: { suites: 2, transformations: 2 } })
    expect(await rows()).toEqual(before)
    expect(await rebuild()).toMatchObject({ ok: true, rebuilt: { suites: 0, transformations: 0 } })

    // Work goes on where it was.
    expect(await put('hours', atLeast(3))).toMatchObject({ version: 3, created: true })
    await put('hours', atLeast(1))
    await harness.tick('superviseData')
    expect(await problems()).toEqual([])
  })

  it('are written again where they are damaged, or gone', async () => {
    const suite = await uriOf('suite', 2)
    const transformation = await uriOf('transformation', 1)
    await bench.damage(suite)
    await bench.damage(transformation)
    expect((await problems()).map(({ code }) => code).sort()).toEqual([
      ...['definition_missing', 'definition_missing', 'record_corrupt', 'record_corrupt'],
    ])
    const healed = await verify()
    expect(healed).toHaveLength(2)
    expect(healed).toEqual(
      expect.arrayContaining([
        { what: 'version 2 of the suite of dataset "hours"', uri: suite, healed: true },
        { what: 'version 1 of transformation "prep"', uri: transformation, healed: true },
      ]),
    )
    for (const uri of await stored()) await harness.ports.objects.remove(uri)
    // Three versions, which of them is current, and two of a transformation.
    expect(await verify()).toHaveLength(6)
    expect(await verify()).toEqual([])
    expect(await problems()).toEqual([])
  })

  it('are no more than the last change, where one before it is damaged', async () => {
    const before = await uriOf('current-suite', 1)
    await put('hours', atLeast(2))
    await harness.tick('superviseData')
    await bench.damage(before)
    expect(await verify()).toMatchObject([{ uri: before, healed: true }])
    expect(await stored()).not.toContain(before)
    expect(await problems()).toEqual([])
  })

  it('are written of an earlier release too, which had no such records', async () => {
    for (const uri of await stored()) await harness.ports.objects.remove(uri)
    await query('UPDATE suites SET sequence = 1, recorded = 0')
    await query('UPDATE suite_versions SET recorded = false')
    await query('UPDATE transformation_versions SET recorded = false')
    expect(await problems()).toEqual([])
    await harness.tick('superviseData')
    expect(await stored()).toHaveLength(6)
    expect(await problems()).toEqual([])
    expect(await verify()).toEqual([])
  })

  it('name a state that was damaged, which nothing can make anew', async () => {
    const { state } = await harness.ports.transformations.version(PROJECT, 'prep', 1)
    const content = await bytesOf(harness.ports.objects, state.uri)
    await bench.damage(state.uri)
    expect(await verify()).toEqual([
      { what: 'state of version 1 of transformation "prep"', uri: state.uri, healed: false },
    ])
    await harness.ports.objects.write(PROJECT, content)
    expect(await verify()).toEqual([])
  })

  it('are left alone by collections', async () => {
    const before = await stored()
    await bench.collect('', { execute: true })
    await bench.collect('', { execute: true })
    expect(await stored()).toEqual(before)
    expect(await verify()).toEqual([])
  })

  it('say no more of a version that was purged than their rows do', async () => {
    const before = await rows()
    const { id } = await harness.ports.datasets.get(PROJECT, 'hours')
    await harness.ports.retention.purge(id, 1, { by: 'key:admin', reason: 'asked for' })
    await harness.tick('superviseData')
    await query('TRUNCATE suites, suite_versions, transformations, transformation_versions')
    expect(await fsckData(harness.config, { rebuild: true })).toMatchObject({ ok: true })
    expect(await rows()).toEqual(before)
    const { state } = await harness.ports.transformations.version(PROJECT, 'prep', 1)
    expect(await harness.ports.objects.size(state.uri)).toBe(state.bytes)
  })

  it('come there though whoever writes them is killed, and never without what they name', async () => {
    const { signal } = new AbortController()
    const dying = (survived: number) => {
      let calls = 0
      const die = () => {
        if (calls++ === survived) throw new Error('killed')
      }
      const objects = Object.assign(Object.create(harness.ports.objects) as ObjectStore, {
        write: async (...given: Parameters<ObjectStore['write']>) => {
          die()
          return harness.ports.objects.write(...given)
        },
      })
      const definitions = Object.assign(Object.create(harness.ports.definitions) as DefinitionStore, {
        recorded: async (...given: Parameters<DefinitionStore['recorded']>) => {
          die()
          await harness.ports.definitions.recorded(...given)
        },
      })
      return recordDefinitions({ objects, definitions }, PROJECT, 100, signal)
    }
    // Two versions and which of them is current: each an object, and a row that says that it is there.
    for (let survived = 0; survived < 6; survived++) {
      const dataset = `killed-${survived}`
      for (const min of [1, 2]) await put(dataset, atLeast(min))
      await expect(dying(survived)).rejects.toThrow('killed')
      expect(await problems()).toEqual([])
      const before = (await rows()).suites.find(each => each['dataset'] === dataset)!

      // The database is lost now: what is restored is whole, and what is not there was not written yet.
      await query('DELETE FROM suite_versions WHERE suite_id = $1', [before['id']])
      await query('DELETE FROM suites WHERE id = $1', [before['id']])
      await fsckData(harness.config, { rebuild: true })
      const restored = await harness.ports.suites.current(PROJECT, dataset)
      const version = [null, 1, 1, 2, 2, 2][survived]
      expect(restored?.version ?? null).toBe(version)

      // It was not: work goes on.
      await put(dataset, atLeast(2))
      await recordDefinitions(harness.ports, PROJECT, 100, signal)
      expect(await harness.ports.definitions.owed(PROJECT)).toEqual([])
      expect(await problems()).toEqual([])
    }
    // One that is put between the looks at versions and at which of them are current.
    const { manager } = harness.database.dataSource
    let looks = 0
    const between = Object.assign(Object.create(manager) as EntityManager, {
      query: async (...given: Parameters<EntityManager['query']>) => {
        const found: unknown = await manager.query(...given)
        if (looks++ === 0) await put('late', atLeast(1))
        return found
      },
    })
    expect(await new DefinitionStore(between).owed(PROJECT)).toEqual([])
    expect(looks).toBe(3)
    await expect(dying(0)).rejects.toThrow('killed')
    const owed = await stored()
    await harness.tick('superviseData')
    expect((await stored()).length).toBe(owed.length + 2)
    expect(await verify()).toEqual([])
  })

  it('join what was begun anew before they were restored, which holds', async () => {
    for (const min of [1, 2]) await put('again', atLeast(min))
    await harness.tick('superviseData')
    const { id } = (await rows()).suites.find(({ dataset }) => dataset === 'again') as { id: string }
    await query('DELETE FROM suite_versions WHERE suite_id = $1', [id])
    await query('DELETE FROM suites WHERE id = $1', [id])
    await put('again', atLeast(9))
    expect(await fsckData(harness.config, { rebuild: true })).toMatchObject({ rebuilt: { suites: 1 } })
    expect(await harness.ports.suites.current(PROJECT, 'again')).toMatchObject({
      suite: atLeast(9),
      version: 1,
    })
    expect(await harness.ports.suites.version(PROJECT, 'again', 2)).toMatchObject({ suite: atLeast(2) })
    await harness.tick('superviseData')
    const unknown = { code: 'definition_unknown', at: expect.stringMatching(/^version [12] of the suite/) }
    expect(await problems()).toMatchObject([unknown, unknown])

    const again = (await rows()).suites.find(({ dataset }) => dataset === 'again')!
    await query('DELETE FROM suite_versions WHERE suite_id = $1', [again['id']])
    await query('DELETE FROM suites WHERE id = $1', [again['id']])
    await fsckData(harness.config, { rebuild: true })
    expect(await harness.ports.suites.current(PROJECT, 'again')).toMatchObject({
      suite: atLeast(9),
      version: 1,
    })
  })
})
