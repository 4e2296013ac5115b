import type { ChildProcess } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { ObjectStore } from '../../../stores/objects/object-store.js'

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
  /** A process that writes part of an object, prints "half" and then waits for ever. */
  spawnStalledWriter(): ChildProcess
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

    it('shows nothing of a writer that was killed in mid-write', async () => {
      const before = await tested.list()
      const writer = tested.spawnStalledWriter()
      const exited = once(writer, 'exit')
      try {
        const started = once(writer.stdout!, 'data')
        const first = await Promise.race([started, exited])
        expect(String(first[0])).toContain('half')
      } finally {
        writer.kill('SIGKILL')
        await exited
      }
      expect(await tested.list()).toEqual(before)
    })
  })
}
