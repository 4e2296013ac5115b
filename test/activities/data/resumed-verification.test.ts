import { readFile, rm, writeFile } from 'node:fs/promises'
import { MockActivityEnvironment } from '@temporalio/testing'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { recordEnds } from '../../../activities/data/record-ends.js'
import { verificationActivities } from '../../../activities/data/verifications.js'
import type { Ports } from '../../../activities/ports.js'
import type { VerifiedObjects } from '../../../contracts/temporal/data-verification.js'
import type { RunInput } from '../../../contracts/temporal/messages.js'
import { decodeRefOrEnd } from '../../../domain/data/commit.js'
import type { ObjectStore } from '../../../stores/objects/object-store.js'
import { objectUri } from '../../../stores/objects/object-uri.js'
import { allObjects, bytesOf } from '../../../stores/objects/whole.js'
import type { PackObjects } from '../../../stores/postgres/pack-objects.js'
import { push, treeOf } from '../../support/data-push.js'
import { Harness, PROJECT } from '../../support/harness.js'
import { silentLogger } from '../../support/silent-logger.js'

type Activities = ReturnType<typeof verificationActivities>

describe('a verification that is cut off', () => {
  let harness: Harness
  beforeAll(async () => {
    harness = await Harness.start()
  })
  afterAll(() => harness?.stop())

  const objects = () => harness.ports.objects
  const begun = async (): Promise<RunInput> => {
    const request = { dataset: null, version: null }
    const { id: runId } = await harness.accept('verification', 'all', request, { startedByCaller: true })
    return { project: PROJECT, name: 'all', runId, attempt: 1, generation: 1, limits: harness.ports.limits }
  }
  /** An attempt, and what it has said of its place. */
  const attempt = async <T>(
    ports: Partial<Ports>,
    work: (activities: Activities) => Promise<T>,
    heartbeatDetails?: unknown,
  ) => {
    const environment = new MockActivityEnvironment({ heartbeatDetails }, { logger: silentLogger })
    const beats: unknown[] = []
    environment.on('heartbeat', (beat: unknown) => beats.push(beat))
    const activities = verificationActivities({ ...harness.ports, ...ports })
    const result = await environment.run(() => work(activities)).catch((error: unknown) => error as Error)
    return { result: result as T | Error, beats }
  }
  const flip = async (uri: string, at?: number) => {
    const bytes = await readFile(harness.objectFile(uri))
    bytes[at ?? bytes.length >> 1]! ^= 0x40
    await rm(harness.objectFile(uri))
    await writeFile(harness.objectFile(uri), bytes)
  }

  describe('among objects', () => {
    /** The objects of all kinds that are damaged, and how. */
    const damage = new Map<string, 'flipped' | 'missing'>()
    const originals = new Map<string, Buffer>()
    const version = (name: string, number: number) => harness.ports.datasets.version(PROJECT, name, number)
    beforeAll(async () => {
      for (const name of ['one', 'two', 'three']) {
        await push(harness, name, await treeOf({ 'a.txt': `first of ${name}` }))
        await push(harness, name, await treeOf({ 'a.txt': `second of ${name}` }), { base: 1 })
      }
      await harness.ended(await harness.commit('rows', 'a,b\n1,2\n'))
      await harness.tick('superviseData')
      await harness.database.dataSource.query(
        `UPDATE dataset_versions v SET retired_at = now(), end_recorded = false FROM datasets d
         WHERE d.id = v.dataset_id AND d.name IN ('one', 'two') AND v.version = 1`,
      )
      await recordEnds(harness.ports, PROJECT, 100)
      for await (const { uri } of allObjects(objects(), PROJECT, 'refs')) {
        const record = decodeRefOrEnd(await bytesOf(objects(), uri))
        if ('end' in record) damage.set(uri, damage.size % 2 === 0 ? 'flipped' : 'missing')
        else if (record.ref.dataset === 'one') damage.set(uri, 'flipped')
        else if (record.ref.dataset === 'two' && record.ref.sequence === 2) damage.set(uri, 'missing')
      }
      const { raw, parquet } = await version('rows', 1)
      damage.set(raw!.uri, 'flipped').set(parquet!.uri, 'missing')
      for (const [name, number] of [
        ['three', 1],
        ['two', 1],
      ] as const) {
        damage.set(objectUri(PROJECT, (await version(name, number)).commit!, 'commits'), 'flipped')
      }
      for (const uri of damage.keys()) originals.set(uri, await bytesOf(objects(), uri))
    })

    const breakAll = async () => {
      await recordEnds(harness.ports, PROJECT, 100)
      for (const [uri, how] of damage) {
        await rm(harness.objectFile(uri), { force: true })
        if (how === 'missing') continue
        await writeFile(harness.objectFile(uri), originals.get(uri)!)
        await flip(uri)
      }
    }
    /** Does so many things with objects, and then none any more; `before` of the last one, or after it. */
    const dying = (survives: number, before: boolean) => {
      let calls = 0
      const read: string[] = []
      const dead = () => new Error('killed')
      const guarded =
        <A extends unknown[], R>(work: (...given: A) => Promise<R>) =>
        async (...given: A): Promise<R> => {
          if (++calls > survives) throw dead()
          if (calls === survives && before) throw dead()
          const result = await work(...given)
          if (calls === survives) throw dead()
          return result
        }
      const store = objects()
      const proxied = Object.assign(Object.create(store) as ObjectStore, {
        open: guarded((...given: Parameters<ObjectStore['open']>) => {
          read.push(given[0])
          return store.open(...given)
        }),
        write: guarded((...given: Parameters<ObjectStore['write']>) => store.write(...given)),
        remove: guarded((...given: Parameters<ObjectStore['remove']>) => store.remove(...given)),
      })
      return { store: proxied, read, calls: () => calls }
    }
    const verify = (input: RunInput) => (activities: Activities) => activities.verifyObjects(input)
    const comparable = (outcome: VerifiedObjects | Error) => {
      if (outcome instanceof Error) throw outcome
      return {
        objects: outcome.objects,
        damaged: outcome.damaged.toSorted((a, b) => (a.uri < b.uri ? -1 : 1)),
      }
    }

    it('finds the same, whenever that is and whatever of its beats is lost', async () => {
      await breakAll()
      const whole = dying(Infinity, false)
      const { result } = await attempt({ objects: whole.store }, verify(await begun()))
      const expected = comparable(result)
      expect(expected.damaged.map(({ uri }) => uri)).toEqual([...damage.keys()].sort())
      expect(expected.damaged.every(({ healed }) => healed)).toBe(true)

      const calls = whole.calls()
      expect(calls).toBeGreaterThan(20)
      for (let survives = 1; survives <= calls; survives++) {
        await breakAll()
        const input = await begun()
        const first = await attempt({ objects: dying(survives, survives % 2 === 0).store }, verify(input))
        expect(first.result).toBeInstanceOf(Error)
        // Beats are sent a while after they are made, if at all.
        const second = await attempt(
          { objects: dying(Math.ceil(survives / 2), survives % 2 === 1).store },
          verify(input),
          first.beats.at(-1 - (survives % 3)),
        )
        const third = await attempt({}, verify(input), second.beats.at(-1 - (survives % 2)))
        const found = comparable(third.result)
        expect({ survives, ...found }).toEqual({ survives, ...expected })
      }
    })

    it('reads nothing again that it has read', async () => {
      await breakAll()
      const input = await begun()
      const cut = dying(14, true)
      const first = await attempt({ objects: cut.store }, verify(input))
      const second = dying(Infinity, false)
      await attempt({ objects: second.store }, verify(input), first.beats.at(-1))
      const { after } = (first.beats.at(-1) as { at: { after: string } }).at
      const again = second.read.filter(uri => cut.read.includes(uri))
      // But for the version that it was at.
      expect(after).not.toBeNull()
      expect(cut.read.length).toBeGreaterThan(8)
      expect(again.length).toBeLessThan(4)
    })
  })

  describe('among packs', () => {
    const verify = async (ports: Partial<Ports>, input: RunInput, beat?: unknown) =>
      attempt(ports, activities => activities.verifySomePacks({ ...input, after: '0' }), beat)
    const counting = () => {
      const read: string[] = []
      const store = Object.assign(Object.create(objects()) as ObjectStore, {
        toFile: (uri: string, directory: string) => {
          read.push(uri)
          return objects().toFile(uri, directory)
        },
      })
      return { store, read }
    }

    it('counts one that it has forgotten before as well, and reads those before it once', async () => {
      const trees = await Promise.all(['x', 'y', 'z'].map(each => treeOf({ [each]: `content of ${each}` })))
      for (const [i, tree] of trees.entries()) await push(harness, `packed-${i}`, tree)
      const lost = trees[1]!.packs[0]!
      const input = await begun()
      await attempt({}, activities => activities.markVersions(input))
      const all = { after: '0', newest: null }
      const needed = await harness.ports.verify.packs(input.runId, PROJECT, all, 100)
      await flip(objectUri(PROJECT, lost.sha256, 'packs'), lost.chunks[0]!.offset + 1)

      const { packObjects } = harness.ports
      const dying = Object.assign(Object.create(packObjects) as PackObjects, {
        discard: async (...given: Parameters<PackObjects['discard']>) => {
          await packObjects.discard(...given)
          throw new Error('killed')
        },
      })
      const before = counting()
      const first = await verify({ packObjects: dying, objects: before.store }, input)
      expect(first.result).toMatchObject({ message: 'killed' })
      expect(before.read.at(-1)).toBe(objectUri(PROJECT, lost.sha256, 'packs'))

      const after = counting()
      const { result } = await verify({ objects: after.store }, input, first.beats.at(-1))
      expect(result).toEqual({
        ...{ after: null, damaged: 1 },
        ...{ packs: needed.length, bytes: needed.reduce((sum, { bytes }) => sum + bytes, 0) },
      })
      // What was whole of it is in a newer one, which was not there when it began.
      expect(after.read).toEqual([objectUri(PROJECT, trees[2]!.packs[0]!.sha256, 'packs')])
    })
  })
})
