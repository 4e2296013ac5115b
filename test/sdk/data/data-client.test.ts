import { randomBytes } from 'node:crypto'
import { appendFile, chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import { MlforgeError } from '../../../domain/errors.js'
import { DataClient } from '../../../sdk/data/data-client.js'
import { WorkingCopy } from '../../../sdk/data/working-copy.js'
import { Refused, Rest } from '../../../sdk/rest.js'
import { TestApi } from '../../api/support/api.js'
import { makePack } from '../../../packing/make-pack.js'
import { sha256Hex } from '../../../stores/ids.js'
import { objectUri } from '../../../stores/objects/object-uri.js'
import { treeOf } from '../../support/data-push.js'
import { Harness, PROJECT } from '../../support/harness.js'

const WHO = { author: 'somebody', at: new Date('2026-01-01T00:00:00Z') }

describe('DataClient', () => {
  let harness: Harness
  let api: TestApi
  let client: DataClient
  let directory: string
  const copies: WorkingCopy[] = []
  beforeAll(async () => {
    harness = await Harness.start()
    api = await TestApi.beside(harness)
    client = new DataClient(new Rest(api.url, 'mlf_operator'))
    directory = await mkdtemp(join(tmpdir(), 'mlforge-client-'))
  })
  afterEach(async () => {
    await Promise.all(copies.splice(0).map(copy => copy.close()))
  })
  afterAll(async () => {
    await api?.stop()
    await harness?.stop()
    await rm(directory, { recursive: true, force: true })
  })

  const copyAt = async (name: string, dataset: string): Promise<WorkingCopy> => {
    await mkdir(join(directory, name), { recursive: true })
    const copy = WorkingCopy.init(join(directory, name), dataset)
    copies.push(copy)
    return copy
  }
  const write = async (copy: WorkingCopy, path: string, content: string | Uint8Array) => {
    await mkdir(dirname(join(copy.root, path)), { recursive: true })
    await writeFile(join(copy.root, path), content)
  }
  const fileOf = async (dataset: string, selector: string, path: string): Promise<Buffer> => {
    const file = join(directory, 'one file')
    await client.fileTo(dataset, selector, path, file)
    return readFile(file)
  }
  const filesOf = async ({ root }: WorkingCopy): Promise<Record<string, string>> => {
    const found: Record<string, string> = {}
    for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath, entry.name)
      if (!entry.isFile() || path.includes('.mlforge-data')) continue
      const { mode } = await stat(path)
      found[path.slice(root.length + 1)] = `${mode & 0o100} ${(await readFile(path)).toString('base64')}`
    }
    return found
  }

  it('brings a tree from one directory to another, byte for byte', async () => {
    const copy = await copyAt('one', 'tree')
    await write(copy, 'README.md', 'A tree.\n')
    await write(copy, 'large.bin', randomBytes(3_000_000))
    await write(copy, 'images/ä.png', randomBytes(10_000))
    await write(copy, 'empty', '')
    await write(copy, 'run.sh', '#!/bin/sh\n')
    await chmod(join(copy.root, 'run.sh'), 0o755)
    await copy.add('all')
    const code = { commit: 'c0ffee', dirty: true }
    const draft = await copy.commit({ ...WHO, message: 'the first', code })
    const [pushed, ...more] = await client.push(copy)
    expect(pushed).toMatchObject({ version: 1, branch: 'main', manifest: draft.manifest, created: true })
    expect(more).toEqual([])
    expect(copy.head).toMatchObject({ version: 1, draft: null, manifest: draft.manifest })
    expect(await client.version('tree', 'latest')).toMatchObject({ version: 1, message: 'the first', code })

    const other = await copyAt('two', 'tree')
    expect(await client.pull(other, null)).toMatchObject({ version: 1, written: 5, manifest: draft.manifest })
    expect(await filesOf(other)).toEqual(await filesOf(copy))
    expect((await other.status()).unstaged).toEqual({ changed: [], removed: [] })
    expect(await client.pull(other, null)).toMatchObject({ written: 0, unchanged: 0 })
  })

  it('sends what has changed, and reads no more than that', async () => {
    const [copy, other] = [await copyAt('one', 'tree'), await copyAt('two', 'tree')]
    const large = await readFile(join(copy.root, 'large.bin'))
    const inserted = Buffer.concat([
      large.subarray(0, 1_000_000),
      Buffer.from('inserted!'),
      large.subarray(1_000_000),
    ])
    await write(copy, 'large.bin', inserted)
    await rm(join(copy.root, 'empty'))
    await copy.add('all')
    await copy.commit({ ...WHO, message: 'nine bytes' })
    await appendFile(join(copy.root, 'README.md'), 'More.\n')
    await copy.add(['README.md'])
    await copy.commit({ ...WHO, message: 'more' })
    const [second, third] = await client.push(copy)
    expect(second).toMatchObject({ version: 2, created: true })
    expect(second!.sent).toBeLessThan(600_000)
    expect(third).toMatchObject({ version: 3 })
    expect(await client.pull(other, null)).toMatchObject({ version: 3, written: 2, removed: 1 })
    expect(await filesOf(other)).toEqual(await filesOf(copy))
    expect(await client.push(copy)).toEqual([])
    // Back to an earlier one.
    expect(await client.pull(other, '1')).toMatchObject({ version: 1 })
    // Millions of bytes are compared faster so than by toEqual.
    expect((await readFile(join(other.root, 'large.bin'))).equals(large)).toBe(true)
    expect(inserted.equals(await fileOf('tree', '2', 'large.bin'))).toBe(true)
  })

  it('says that somebody else was first, and sends to a branch of its own', async () => {
    const [copy, other] = [await copyAt('one', 'tree'), await copyAt('two', 'tree')]
    await client.pull(other, 'main')
    await write(other, 'mine.txt', 'mine')
    await other.add('all')
    await other.commit({ ...WHO, message: 'mine' })
    await write(copy, 'theirs.txt', 'theirs')
    await copy.add('all')
    await copy.commit({ ...WHO, message: 'theirs' })
    await client.push(copy)
    const refused = await client.push(other).catch((error: unknown) => error)
    expect(refused).toBeInstanceOf(Refused)
    expect((refused as Refused).problem).toMatchObject({ code: 'branch_moved', version: 4 })
    other.switchTo('mine')
    expect(await client.push(other)).toMatchObject([{ version: 5, branch: 'mine' }])
    expect(await client.version('tree', 'mine')).toMatchObject({ version: 5, parentVersions: [3] })
    expect(await client.version('tree', 'main')).toMatchObject({ version: 4 })
  })

  it('puts what was committed on top of what somebody else has pushed', async () => {
    const [copy, other] = [await copyAt('rebase-one', 'rebased'), await copyAt('rebase-two', 'rebased')]
    await write(copy, 'both.txt', 'both')
    await write(copy, 'large.bin', randomBytes(500_000))
    await write(copy, 'old.txt', 'old')
    await copy.add('all')
    await copy.commit({ ...WHO, message: 'base' })
    await client.push(copy)
    await client.pull(other, null)

    await write(copy, 'theirs.txt', 'theirs')
    await rm(join(copy.root, 'old.txt'))
    await copy.add('all')
    await copy.commit({ ...WHO, message: 'theirs' })
    await client.push(copy)

    await write(other, 'mine.txt', 'mine')
    await other.add('all')
    await other.commit({ ...WHO, message: 'mine' })
    await write(other, 'large.bin', randomBytes(400_000))
    await other.add('all')
    await other.commit({ ...WHO, message: 'larger' })
    await expect(client.push(other)).rejects.toThrow('branch_moved')
    const rebased = await client.rebase(other)
    expect(rebased).toMatchObject({
      version: 2,
      written: 1,
      removed: 1,
      draft: { message: 'mine\n\nlarger' },
    })
    expect(await client.push(other)).toMatchObject([{ version: 3, created: true }])
    await client.pull(copy, null)
    expect(await filesOf(copy)).toEqual(await filesOf(other))
    expect(Object.keys(await filesOf(copy)).toSorted()).toEqual([
      'both.txt',
      'large.bin',
      'mine.txt',
      'theirs.txt',
    ])

    // What both have changed is nobody's to decide.
    await write(copy, 'both.txt', 'one')
    await copy.add('all')
    await copy.commit({ ...WHO, message: 'one' })
    await client.push(copy)
    await write(other, 'both.txt', 'two')
    await other.add('all')
    const draft = await other.commit({ ...WHO, message: 'two' })
    await expect(client.rebase(other)).rejects.toMatchObject({
      code: 'wrong_state',
      details: { problems: [{ at: 'both.txt', message: 'It was changed here, and changed there.' }] },
    })
    expect(other.drafts()).toEqual([draft])
    expect(await readFile(join(other.root, 'both.txt'), 'utf8')).toBe('two')
    // The same on both sides is no conflict.
    await write(other, 'both.txt', 'one')
    await other.add('all')
    await other.commit({ ...WHO, message: 'one too' })
    expect(await client.rebase(other)).toMatchObject({ version: 4, draft: null })
    expect(other.drafts()).toEqual([])
    expect((await other.status()).staged).toEqual({ added: [], changed: [], removed: [] })
  })

  it('goes on with a push that broke off, and begins one anew that was cancelled', async () => {
    const copy = await copyAt('broken', 'broken')
    await write(copy, 'a.bin', randomBytes(1_000_000))
    await copy.add('all')
    await copy.commit({ ...WHO, message: 'a' })
    const rest = new Rest(api.url, 'mlf_operator')
    // Everything but the last word.
    const post = rest.post.bind(rest)
    rest.post = (path, ...more) =>
      path.endsWith('/seal') ? Promise.reject(new Error('gone')) : post(path, ...more)
    await expect(new DataClient(rest).push(copy)).rejects.toThrow('gone')
    const [pushed] = await client.push(copy)
    expect(pushed).toMatchObject({ version: 1, sent: 0 })

    await write(copy, 'b.bin', randomBytes(1_000))
    await copy.add('all')
    await copy.commit({ ...WHO, message: 'b' })
    await expect(new DataClient(rest).push(copy)).rejects.toThrow('gone')
    const { items } = (await api.call('GET', '/v1/operations?kind=push&status=running')).body as {
      items: { id: string }[]
    }
    for (const { id } of items) await api.call('POST', `/v1/operations/${id}/cancel`)
    for (const { id } of items) await harness.ended(await harness.row({ id }))
    expect(await client.push(copy)).toMatchObject([{ version: 2 }])
  })

  it('finds its push again that was made a version, though others came after it', async () => {
    const copy = await copyAt('first', 'shared')
    await write(copy, 'a.txt', 'a')
    await copy.add('all')
    const draft = await copy.commit({ ...WHO, message: 'a' })
    // Killed when it was a version, and before that was written down.
    copy.pushed = () => Promise.reject(new Error('killed'))
    await expect(client.push(copy)).rejects.toThrow('killed')
    const other = await copyAt('second', 'shared')
    await client.pull(other, 'main')
    await write(other, 'b.txt', 'b')
    await other.add('all')
    await other.commit({ ...WHO, message: 'b' })
    expect(await client.push(other)).toMatchObject([{ version: 2 }])
    const again = await copyAt('first', 'shared')
    expect(await client.push(again)).toMatchObject([{ version: 1, manifest: draft.manifest, sent: 0 }])
    expect(again.head).toMatchObject({ version: 1, draft: null })
  })

  it('refuses a push by its end that has begun before somebody else was first', async () => {
    const copy = await copyAt('slow', 'ended')
    await write(copy, 'a.txt', 'a')
    await copy.add('all')
    await copy.commit({ ...WHO, message: 'a' })
    const rest = new Rest(api.url, 'mlf_operator')
    const post = rest.post.bind(rest)
    rest.post = (path, ...more) =>
      path.endsWith('/seal') ? Promise.reject(new Error('gone')) : post(path, ...more)
    await expect(new DataClient(rest).push(copy)).rejects.toThrow('gone')
    const other = await copyAt('fast', 'ended')
    await write(other, 'b.txt', 'b')
    await other.add('all')
    await other.commit({ ...WHO, message: 'b' })
    await client.push(other)
    await expect(client.push(copy)).rejects.toMatchObject({ code: 'branch_moved' })
    // It is over, rather than waiting for its client for a day.
    const { items } = (await api.call('GET', '/v1/operations?kind=push&status=running')).body as {
      items: unknown[]
    }
    expect(items).toEqual([])
  })

  it('pushes a commit whose files were changed since as it was committed', async () => {
    const copy = await copyAt('changed', 'changed')
    await write(copy, 'a.txt', 'one')
    await copy.add('all')
    await copy.commit({ ...WHO, message: 'a' })
    await write(copy, 'a.txt', 'two')
    expect(await client.push(copy)).toMatchObject([{ version: 1 }])
    expect((await fileOf('changed', '1', 'a.txt')).toString()).toBe('one')
    expect((await copy.status()).unstaged.changed).toEqual(['a.txt'])
  })

  it.each(['flipped', 'away'])(
    'brings what is in a pack with bytes %s from another pack that has it',
    async how => {
      const files = { 'a.csv': `${how},demand\n`.repeat(5_000), 'b.bin': randomBytes(700_000), 'c.txt': how }
      const dataset = `healed-${how}`
      const copy = await copyAt(`from-${how}`, dataset)
      for (const [path, content] of Object.entries(files)) await write(copy, path, content)
      await copy.add('all')
      await copy.commit({ ...WHO, message: 'a' })
      await client.push(copy)
      const { objects, catalogue, packs } = harness.ports
      const chunks = (await treeOf(files)).packs.flatMap(pack => pack.chunks.map(({ sha256 }) => sha256))
      const read = await packs.read(PROJECT, chunks)
      const pieces = [{ content: Buffer.from(how), sha256: sha256Hex(how) }, ...read].map(
        ({ sha256, content }) => ({ sha256, bytes: content.length, from: { content } }),
      )
      const pack = makePack(pieces)
      await objects.write(PROJECT, pack.content, { kind: 'packs', sha256: pack.sha256 })
      await catalogue.add(PROJECT, { ...pack, bytes: pack.content.length }, objects)
      const damage = async (place: 0 | 1): Promise<void> => {
        const places = await catalogue.locate(PROJECT, chunks)
        const found = [...places.values()].flatMap(each => each[place] ?? [])
        for (const pack of new Set(found.map(each => each.pack))) {
          const file = harness.objectFile(objectUri(PROJECT, pack, 'packs'))
          if (how === 'away') await rm(file)
          else
            await writeFile(
              file,
              (await readFile(file)).map(byte => byte ^ 0x40),
            )
        }
      }
      await damage(0)
      const to = await copyAt(`to-${how}`, dataset)
      await client.pull(to, null)
      expect(await filesOf(to)).toEqual(await filesOf(copy))

      await damage(1)
      const nowhere = client.pull(await copyAt(`late-${how}`, dataset), null)
      await expect(nowhere).rejects.toMatchObject({
        code: 'object_corrupt',
        message: expect.stringContaining('in no other pack'),
      })
    },
  )

  it('goes back to the version that a pull has come from which was cut off, and takes a pull on that was', async () => {
    const copy = await copyAt('cut-one', 'cut')
    const [before, after] = [await copyAt('cut-1', 'cut'), await copyAt('cut-2', 'cut')]
    for (const [version, at] of [
      ['one', before],
      ['two', after],
    ] as const) {
      for (let i = 0; i < 30; i++) await write(copy, `f${i}`, `${version} ${i}`)
      await copy.add('all')
      await copy.commit({ ...WHO, message: version })
      await client.push(copy)
      await client.pull(at, null)
    }
    const cut = async (to: WorkingCopy, version: string) => {
      const stop = new AbortController()
      const pulled = client.pull(to, version, { signal: stop.signal, onProgress: () => stop.abort() })
      await expect(pulled).rejects.toThrow(/abort/i)
      expect(to.isInterrupted).toBe(true)
    }
    await cut(before, '2')
    expect(await filesOf(before)).not.toEqual(await filesOf(after))
    expect(await client.pull(before, '1')).toMatchObject({ version: 1, written: expect.any(Number) })
    expect(await before.status()).toMatchObject({ isInterrupted: false, unstaged: { changed: [] } })
    expect((await filesOf(before))['f7']).toBe(`0 ${Buffer.from('one 7').toString('base64')}`)

    await cut(before, '2')
    await client.pull(before, '2')
    expect(before.isInterrupted).toBe(false)
    expect(await filesOf(before)).toEqual(await filesOf(after))
  })

  it('has the old commits or the new one wherever a rebase is cut off, and takes messages of any length', async () => {
    const [copy, other] = [await copyAt('long-one', 'long'), await copyAt('long-two', 'long')]
    await write(copy, 'base', 'base')
    await copy.add('all')
    await copy.commit({ ...WHO, message: 'b'.repeat(10_000) })
    await client.push(copy)
    await client.pull(other, null)
    await write(copy, 'theirs', 'theirs')
    await copy.add('all')
    await copy.commit({ ...WHO, message: 'theirs' })
    await client.push(copy)
    for (const name of ['one', 'two']) {
      await write(other, name, name)
      await other.add('all')
      await other.commit({ ...WHO, message: name.repeat(3_000) })
    }
    await write(other, 'staged', 'not committed')
    await other.add('all')
    const old = other.drafts()
    const stop = new AbortController()
    const rest = new Rest(api.url, 'mlf_operator')
    const load = rest.postForBytes.bind(rest)
    rest.postForBytes = (...asked) => {
      stop.abort()
      return load(...asked)
    }
    await expect(new DataClient(rest).rebase(other, { signal: stop.signal })).rejects.toThrow(/abort/i)
    expect(other.isInterrupted).toBe(true)
    expect(other.drafts()).toEqual(old)
    const { draft } = await client.rebase(other)
    expect(draft!.message).toHaveLength(10_000)
    expect(other.drafts()).toEqual([draft])
    expect((await other.status()).staged.added).toEqual(['staged'])
    expect(await client.push(other)).toMatchObject([{ version: 3, created: true }])
    await expect(copy.commit({ ...WHO, message: 'b'.repeat(10_001) })).rejects.toThrow('10000 characters')
    await expect(copy.commit({ ...WHO, author: 'a'.repeat(201), message: 'b' })).rejects.toThrow('200')
    await expect(copy.commit({ ...WHO, message: 'a\0b' })).rejects.toThrow('null character')
  })

  it('pulls a version only with the files that it is to have', async () => {
    const copy = await copyAt('pinned', 'pinned')
    await write(copy, 'a', 'a')
    await copy.add('all')
    const { manifest } = await copy.commit({ ...WHO, message: 'a' })
    await client.push(copy)
    const to = await copyAt('pinned-to', 'pinned')
    const other = client.pull(to, '1', { manifest: 'f'.repeat(64) })
    await expect(other).rejects.toMatchObject({ code: 'wrong_state' })
    expect(await filesOf(to)).toEqual({})
    expect(await client.pull(to, '1', { manifest })).toMatchObject({ version: 1, written: 1 })
  })

  it('writes one file of a version, whole or not at all', async () => {
    const copy = await copyAt('one-file', 'one-file')
    const large = randomBytes(5_000_000)
    await write(copy, 'large', large)
    await copy.add('all')
    await copy.commit({ ...WHO, message: 'a' })
    await client.push(copy)
    const to = join(directory, 'fetched')
    expect(await client.fileTo('one-file', 'main', 'large', to)).toBe(5_000_000)
    expect(large.equals(await readFile(to))).toBe(true)
    await expect(client.fileTo('one-file', '1', 'none', to)).rejects.toMatchObject({
      problem: { status: 404 },
    })
    expect(large.equals(await readFile(to))).toBe(true)
    const rest = new Rest(api.url, 'mlf_operator')
    const whole = rest.downloadTo.bind(rest)
    rest.downloadTo = (path, bytes, take) =>
      whole(path, bytes, async content => {
        content.once('data', () => content.destroy(new MlforgeError('unavailable', 'cut')))
        return take(content)
      })
    await expect(new DataClient(rest).fileTo('one-file', '1', 'large', `${to}-cut`)).rejects.toThrow('cut')
    expect((await readdir(directory)).filter(name => /fetched/.test(name))).toEqual(['fetched'])
  })
})
