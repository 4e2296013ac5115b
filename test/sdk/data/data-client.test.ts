import { randomBytes } from 'node:crypto'
import { appendFile, chmod, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import { DataClient, type TransferProgress } from '../../../sdk/data/data-client.js'
import { Refused, Rest } from '../../../sdk/rest.js'
import { ClientBench, filesOf, WHO, write } from './client-bench.js'

describe('DataClient', () => {
  let bench: ClientBench
  let harness: ClientBench['harness']
  let api: ClientBench['api']
  let client: ClientBench['client']
  beforeAll(async () => {
    bench = await ClientBench.start()
    ;({ harness, api, client } = bench)
  })
  afterEach(() => bench.closeCopies())
  afterAll(() => bench?.stop())

  const copyAt = (name: string, dataset: string) => bench.copyAt(name, dataset)
  const fileOf = (dataset: string, selector: string, path: string) => bench.fileOf(dataset, selector, path)

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

  it('says how many files are whole', async () => {
    const copy = await copyAt('whole-one', 'whole')
    for (const name of ['a', 'b', 'c']) await write(copy, name, randomBytes(12_000_000))
    await copy.add('all')
    await copy.commit({ ...WHO, message: 'three' })
    const seen: Parameters<TransferProgress>[0][] = []
    const onProgress: TransferProgress = done => seen.push(done)
    await client.push(copy, { onProgress })
    // A pack ends in b, the next one in c.
    expect(seen.map(({ files }) => files)).toEqual(expect.arrayContaining([1, 2, 3]))
    expect(seen.map(({ files }) => files)).toEqual(seen.map(({ files }) => files).toSorted())
    expect(seen.at(-1)).toMatchObject({ files: 3, totalFiles: 3, total: 36_000_000 })

    const other = await copyAt('whole-two', 'whole')
    seen.length = 0
    await client.pull(other, null, { onProgress })
    expect(seen.map(({ files, bytes }) => [files, bytes])).toEqual([1, 2, 3].map(n => [n, n * 12_000_000]))
    // What is there already counts.
    await write(copy, 'd', 'd')
    await copy.add('all')
    await copy.commit({ ...WHO, message: 'four' })
    await client.push(copy)
    seen.length = 0
    await client.pull(other, null, { onProgress })
    expect(seen).toEqual([{ files: 4, totalFiles: 4, bytes: 36_000_001, total: 36_000_001 }])
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

  it('says what has become of a run that ends before its client', async () => {
    const copy = await copyAt('cancelled', 'cancelled')
    await write(copy, 'a.bin', randomBytes(1_000))
    await copy.add('all')
    await copy.commit({ ...WHO, message: 'a' })
    const rest = new Rest(api.url, 'mlf_operator')
    const post = rest.post.bind(rest)
    rest.post = async (path, ...more) => {
      if (/seal$|progress$/.test(path)) {
        const id = path.split('/').at(-2)!
        await api.call('POST', `/v1/operations/${id}/cancel`)
        await harness.ended(await harness.row({ id }))
      }
      return post(path, ...more)
    }
    await expect(new DataClient(rest).push(copy)).rejects.toThrow('It was cancelled by request.')
    await client.push(copy)
    const other = await copyAt('cancelled too', 'cancelled')
    await expect(new DataClient(rest).pull(other, null)).rejects.toThrow('It was cancelled by request.')
  })

  it('has nothing kept for a pull that cannot be done here', async () => {
    const copy = await copyAt('given', 'given')
    await write(copy, 'a.txt', 'a')
    await copy.add('all')
    await copy.commit({ ...WHO, message: 'a' })
    await client.push(copy)
    const other = await copyAt('in the way', 'given')
    await write(other, 'a.txt', 'mine')
    await expect(client.pull(other, null)).rejects.toMatchObject({ code: 'wrong_state' })
    const [pull] = (
      (await api.call('GET', '/v1/operations?kind=pull&limit=1')).body as {
        items: { id: string; name: string }[]
      }
    ).items
    expect(pull!.name).toBe('given')
    await harness.ended(await harness.row(pull!))
    expect(await harness.row(pull!)).toMatchObject({ status: 'cancelled' })
  })

  it('takes for its own what another process of its directory has sent meanwhile', async () => {
    const copy = await copyAt('twice', 'twice')
    await write(copy, 'a.bin', randomBytes(1_000))
    await copy.add('all')
    const { manifest } = await copy.commit({ ...WHO, message: 'a' })
    const rest = new Rest(api.url, 'mlf_operator')
    const put = rest.putBytes.bind(rest)
    rest.putBytes = async (...args) => {
      expect(await client.push(await copyAt('twice', 'twice'))).toMatchObject([{ version: 1, manifest }])
      return put(...args)
    }
    expect(await new DataClient(rest).push(copy)).toMatchObject([{ version: 1, manifest, sent: 0 }])
    expect(copy.head).toMatchObject({ version: 1, draft: null })
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
})
