import { createHash } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { ObjectStore } from '../../../stores/objects/object-store.js'
import { OBJECT_KINDS } from '../../../stores/objects/object-uri.js'
import { processConformance } from './conformance-processes.js'
import type { StoreSpec } from './support/open-store.js'

/** A store under test, with what a test must do behind its back. */
export interface StoreUnderTest {
  readonly store: ObjectStore
  /** Uris of all objects a reader could see. */
  list(): Promise<string[]>
  /** Number of unfinished writes that still take space. */
  unfinished(): Promise<number>
  corrupt(uri: string): Promise<void>
  remove(uri: string): Promise<void>
  /** Puts something below a project as others do, under a name of its own. */
  put(project: string, name: string, content: string): Promise<void>
  /** With which other processes open the same store. */
  readonly spec: StoreSpec
  close(): Promise<void>
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const sha256 = (content: Uint8Array): string => createHash('sha256').update(content).digest('hex')

async function read(stream: Readable): Promise<Buffer> {
  return buffer(stream)
}

/** What every object store must do, whatever holds the bytes. */
export function objectStoreConformance(name: string, create: () => Promise<StoreUnderTest>): void {
  describe(`${name} object store`, () => {
    let tested: StoreUnderTest
    let store: ObjectStore
    let directory: string

    beforeAll(async () => {
      tested = await create()
      store = tested.store
      directory = await mkdtemp(join(tmpdir(), 'mlforge-objects-'))
    })
    afterAll(async () => {
      await tested.close()
      await rm(directory, { recursive: true, force: true })
    })

    it('removes an object, again too, and has it back when it is written again', async () => {
      const content = bytes('not for long')
      const { uri } = await store.write('default', content)
      await store.remove(uri)
      await store.remove(uri)
      expect(await store.size(uri)).toBeNull()
      await store.write('default', content)
      expect(await store.size(uri)).toBe(content.byteLength)
      await expect(store.remove('../outside')).rejects.toMatchObject({ code: 'invalid_request' })
    })

    it('lists what others have named, and keeps the content of it', async () => {
      await tested.put('named', 'in/2026-01/a.csv', 'january')
      await tested.put('named', 'in/2026-02.csv', 'february')
      await tested.put('named', 'other/2026.csv', 'other')
      await tested.put('elsewhere', 'in/2026.csv', 'elsewhere')
      await store.write('named', bytes('not named'))
      const names = async (prefix: string) =>
        (await store.named('named', prefix, 100)).map(({ name }) => name).sort()
      expect(await names('in/')).toEqual(['in/2026-01/a.csv', 'in/2026-02.csv'])
      expect(await names('in')).toEqual(['in/2026-01/a.csv', 'in/2026-02.csv'])
      expect(await names('in/2026-0')).toEqual(['in/2026-01/a.csv', 'in/2026-02.csv'])
      expect(await names('in/2026-01')).toEqual(['in/2026-01/a.csv'])
      expect(await names('nothing/')).toEqual([])
      expect(await store.named('named', 'in/2026-02', 100)).toMatchObject([
        { bytes: 8, modifiedMs: expect.any(Number), changedMs: expect.any(Number) },
      ])
      await expect(store.named('named', 'in/', 1)).rejects.toMatchObject({ code: 'source_unavailable' })
      for (const prefix of ['../elsewhere/', '/etc', '', 'sha256/', 'a/../b']) {
        await expect(store.named('named', prefix, 100)).rejects.toMatchObject({ code: 'invalid_request' })
      }
      const ref = await store.adopt('named', 'in/2026-02.csv')
      expect(ref).toMatchObject({ sha256: sha256(bytes('february')), bytes: 8 })
      await tested.put('named', 'in/2026-02.csv', 'changed')
      expect((await read(await store.open(ref.uri))).toString()).toBe('february')
      await expect(store.adopt('named', 'in/none.csv')).rejects.toMatchObject({ code: 'object_missing' })
      await expect(store.adopt('named', '../elsewhere/in/2026.csv')).rejects.toMatchObject({
        code: 'invalid_request',
      })
    })

    it('gives back what was written, named by its hash', async () => {
      const content = bytes('hello, objects')
      const ref = await store.write('default', content)
      expect(ref.sha256).toBe(sha256(content))
      expect(ref.uri).toBe(`default/sha256/${ref.sha256.slice(0, 2)}/${ref.sha256}`)
      expect(ref.bytes).toBe(content.byteLength)
      expect(new Uint8Array(await read(await store.open(ref.uri)))).toEqual(content)
      expect(await store.size(ref.uri)).toBe(content.byteLength)
      expect(new Uint8Array(await readFile(await store.toFile(ref.uri, directory)))).toEqual(content)
    })

    it('writes streams, large and empty', async () => {
      const chunk = new Uint8Array(700_001).fill(7)
      async function* large(): AsyncGenerator<Uint8Array> {
        for (let i = 0; i < 5; i++) yield chunk
      }
      async function* none(): AsyncGenerator<Uint8Array> {}
      const ref = await store.write('default', large())
      expect(ref.bytes).toBe(5 * chunk.byteLength)
      expect(sha256(await read(await store.open(ref.uri)))).toBe(ref.sha256)
      const empty = await store.write('default', none())
      expect(empty).toMatchObject({ sha256: sha256(new Uint8Array()), bytes: 0 })
      expect(await read(await store.open(empty.uri))).toHaveLength(0)
    })

    it('holds the same content once, also when written at the same time', async () => {
      const before = (await tested.list()).length
      const refs = await Promise.all(
        Array.from({ length: 8 }, () => store.write('default', bytes('the same'.repeat(10_000)))),
      )
      expect(new Set(refs.map(ref => ref.uri)).size).toBe(1)
      expect((await tested.list()).length).toBe(before + 1)
      expect(await tested.unfinished()).toBe(0)
    })

    it('keeps projects apart', async () => {
      const [one, other] = [await store.write('one', bytes('x')), await store.write('other', bytes('x'))]
      expect(one.sha256).toBe(other.sha256)
      expect(one.uri).not.toBe(other.uri)
    })

    it('refuses more bytes than allowed and keeps none of them', async () => {
      const before = await tested.list()
      const write = store.write('default', bytes('12345678'), { maxBytes: 7 })
      await expect(write).rejects.toMatchObject({ code: 'body_too_large' })
      await expect(store.write('default', bytes('1234567'), { maxBytes: 7 })).resolves.toMatchObject({
        bytes: 7,
      })
      expect((await tested.list()).length).toBe(before.length + 1)
      expect(await tested.unfinished()).toBe(0)
    })

    it('stops at once when aborted, even in a stalled stream, and keeps nothing', async () => {
      const before = await tested.list()
      const abort = new AbortController()
      const reason = new Error('client went away')
      async function* stalled(): AsyncGenerator<Uint8Array> {
        yield bytes('first half')
        setImmediate(() => abort.abort(reason))
        await new Promise(() => undefined)
      }
      await expect(store.write('default', stalled(), { signal: abort.signal })).rejects.toBe(reason)
      expect(await tested.list()).toEqual(before)
      expect(await tested.unfinished()).toBe(0)
    })

    it('keeps nothing of a source that fails', async () => {
      const before = await tested.list()
      async function* failing(): AsyncGenerator<Uint8Array> {
        yield bytes('first half')
        throw new Error('connection reset')
      }
      await expect(store.write('default', failing())).rejects.toThrow('connection reset')
      expect(await tested.list()).toEqual(before)
      expect(await tested.unfinished()).toBe(0)
    })

    it('refuses corrupt content, naming the object; writing it again heals it', async () => {
      const content = bytes('soon rotten'.repeat(1000))
      const { uri } = await store.write('default', content)
      await tested.corrupt(uri)
      const refused = { code: 'object_corrupt', message: expect.stringContaining(uri) }
      await expect(store.open(uri).then(read)).rejects.toMatchObject(refused)
      await expect(store.toFile(uri, directory)).rejects.toMatchObject(refused)
      await store.write('default', content)
      expect(new Uint8Array(await read(await store.open(uri)))).toEqual(content)
    })

    it('stops a read that is aborted, with the reason', async () => {
      const { uri } = await store.write('default', new Uint8Array(8_000_000))
      const abort = new AbortController()
      const reason = new Error('no longer wanted')
      const stream = await store.open(uri, { signal: abort.signal })
      const reading = (async () => {
        for await (const chunk of stream) if ((chunk as Uint8Array).length > 0) abort.abort(reason)
      })()
      await expect(reading).rejects.toBe(reason)
    })

    it('says which object is missing', async () => {
      const { uri } = await store.write('default', bytes('soon gone'))
      await tested.remove(uri)
      const missing = { code: 'object_missing', message: expect.stringContaining(uri) }
      await expect(store.open(uri)).rejects.toMatchObject(missing)
      await expect(store.toFile(uri, directory)).rejects.toMatchObject(missing)
      expect(await store.size(uri)).toBeNull()
    })

    it.each([
      '../../etc/passwd',
      '/etc/passwd',
      `default/sha256/../${'a'.repeat(64)}`,
      `../sha256/aa/${'a'.repeat(64)}`,
      `default/sha256/bb/${'a'.repeat(64)}`,
      `default/sha256/aa/${'a'.repeat(63)}/`,
      `.tmp/sha256/aa/${'a'.repeat(64)}`,
    ])('refuses the uri %s', async uri => {
      const refused = { code: 'invalid_request' }
      await expect(store.open(uri)).rejects.toMatchObject(refused)
      await expect(store.size(uri)).rejects.toMatchObject(refused)
      await expect(store.toFile(uri, directory)).rejects.toMatchObject(refused)
    })

    it.each(['..', '.tmp', 'a/b', '', '../x'])('refuses the project name "%s"', async project => {
      await expect(store.write(project, bytes('x'))).rejects.toMatchObject({ code: 'invalid_request' })
    })

    processConformance(() => tested)

    it.each(OBJECT_KINDS)('keeps %s apart from other kinds', async kind => {
      const ref = await store.write('kinds', bytes('the same'), { kind })
      expect(ref.uri).toBe(`kinds/${kind}/${ref.sha256.slice(0, 2)}/${ref.sha256}`)
      expect((await read(await store.open(ref.uri))).toString()).toBe('the same')
      expect(await store.list('kinds', kind, { limit: 10 })).toEqual([
        { uri: ref.uri, bytes: 8, modifiedMs: expect.any(Number) },
      ])
      await store.remove(ref.uri)
      expect(await store.list('kinds', kind, { limit: 10 })).toEqual([])
      await expect(store.named('kinds', `${kind}/`, 10)).rejects.toMatchObject({ code: 'invalid_request' })
    })

    it('does not count what is named by its content among what others have named', async () => {
      await store.write('mixed', bytes('x'), { kind: 'packs' })
      await tested.put('mixed', 'part.csv', 'part')
      expect((await store.named('mixed', 'pa', 10)).map(({ name }) => name)).toEqual(['part.csv'])
    })

    it.each([
      ['bytes', (content: Uint8Array) => content],
      [
        'a stream',
        async function* (content: Uint8Array) {
          yield content.subarray(0, 3)
          yield content.subarray(3)
        },
      ],
    ])('takes %s that hash as announced, and keeps nothing of others', async (_what, sent) => {
      const content = bytes('announced')
      const before = await tested.list()
      const unfinished = await tested.unfinished()
      await expect(
        store.write('default', sent(bytes('another')), { sha256: sha256(content) }),
      ).rejects.toMatchObject({
        code: 'checksum_mismatch',
        message: expect.stringContaining(sha256(content)),
      })
      expect(await tested.list()).toEqual(before)
      expect(await tested.unfinished()).toBe(unfinished)
      const { uri } = await store.write('default', sent(content), { sha256: sha256(content) })
      expect(await store.size(uri)).toBe(9)
      await store.remove(uri)
      await expect(store.write('default', sent(content), { sha256: 'abc' })).rejects.toMatchObject({
        code: 'invalid_request',
      })
    })

    it('reads exactly a range', async () => {
      const content = Uint8Array.from({ length: 300_000 }, (_, at) => at % 251)
      const { uri } = await store.write('default', content)
      for (const [offset, length] of [
        [0, 300_000],
        [0, 1],
        [299_999, 1],
        [123_456, 100_000],
        [0, 0],
        [300_000, 0],
      ] as const) {
        expect(await store.range(uri, offset, length)).toEqual(content.subarray(offset, offset + length))
        const room = new Uint8Array(300_010).fill(255)
        const into = room.subarray(5, 5 + length)
        expect(await store.range(uri, offset, length, { into })).toEqual(into)
        expect(into).toEqual(content.subarray(offset, offset + length))
        expect([...room.subarray(0, 5), ...room.subarray(5 + length)]).toEqual(
          Array<number>(300_010 - length).fill(255),
        )
      }
      for (const [offset, length] of [
        [0, 300_001],
        [299_999, 2],
        [300_000, 1],
        [900_000, 5],
      ] as const) {
        await expect(store.range(uri, offset, length)).rejects.toMatchObject({
          code: 'object_corrupt',
          message: expect.stringContaining(uri),
        })
      }
      for (const [offset, length] of [
        [-1, 2],
        [0, -1],
        [0.5, 1],
        [0, NaN],
      ] as const) {
        await expect(store.range(uri, offset, length)).rejects.toMatchObject({ code: 'invalid_request' })
      }
      const reason = new Error('no longer wanted')
      await expect(store.range(uri, 0, 10, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
      await store.remove(uri)
      for (const length of [0, 10]) {
        await expect(store.range(uri, 0, length)).rejects.toMatchObject({ code: 'object_missing' })
      }
      await expect(store.range('../outside', 0, 1)).rejects.toMatchObject({ code: 'invalid_request' })
    })

    it('lists page by page, in order, also while objects go and come', async () => {
      const refs = await Promise.all(
        Array.from({ length: 25 }, (_, at) =>
          store.write('paged', bytes(`commit ${at}`), { kind: 'commits' }),
        ),
      )
      await store.write('paged', bytes('of another kind'))
      const uris = refs.map(({ uri }) => uri).sort()
      const walk = async (limit: number, between: () => Promise<void> = async () => undefined) => {
        const seen: string[] = []
        for (let after: string | undefined; ;) {
          const page = await store.list('paged', 'commits', {
            limit,
            ...(after === undefined ? {} : { after }),
          })
          if (page.length === 0) return seen
          expect(page.length).toBeLessThanOrEqual(limit)
          seen.push(...page.map(({ uri }) => uri))
          after = seen.at(-1)
          await between()
        }
      }
      for (const limit of [1, 7, 25, 1000]) expect(await walk(limit)).toEqual(uris)
      let first = true
      const removed = await walk(7, async () => {
        if (first) await Promise.all([store.remove(uris[6]!), store.remove(uris[10]!)])
        first = false
      })
      expect(removed).toEqual(uris.filter((_, at) => at !== 10))
      expect(await store.list('nobody', 'packs', { limit: 10 })).toEqual([])
      for (const [project, options] of [
        ['..', { limit: 1 }],
        ['paged', { limit: 0 }],
        ['paged', { limit: 1, after: '../x' }],
      ] as const) {
        await expect(store.list(project, 'packs', options)).rejects.toMatchObject({ code: 'invalid_request' })
      }
    })

    it('knows size and hash of what it has received', async () => {
      async function* large(): AsyncGenerator<Uint8Array> {
        for (let at = 0; at < 20; at++) yield new Uint8Array(1_000_000).fill(at)
      }
      for (const content of [bytes('known'), large()]) {
        const { uri, ...known } = await store.write('default', content, { kind: 'packs' })
        expect(await store.checksum(uri)).toEqual(known)
        await store.remove(uri)
        expect(await store.checksum(uri)).toBeNull()
      }
    })

    it('is usable', async () => {
      await expect(store.assertUsable()).resolves.toBeUndefined()
    })
  })
}
