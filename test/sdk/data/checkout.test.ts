import { chmodSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { encodeNode } from '../../../domain/data/nodes.js'
import { WorkingCopy } from '../../../sdk/data/working-copy.js'
import { madeBytes } from '../../domain/data/made-bytes.js'
import { NodeStore } from '../../domain/data/node-store.js'
import { commit, put, Remote, temporary, treeOf } from './tree.js'

const files = temporary()
const open: { close(): Promise<void> }[] = []
const fresh = (): WorkingCopy => {
  const copy = WorkingCopy.init(files.path('copy'), 'bikes')
  open.push(copy)
  return copy
}
const remoteOf = (): Remote => {
  const remote = new Remote()
  open.push(remote)
  return remote
}
afterEach(() => Promise.all(open.splice(0).map(each => each.close())))
afterAll(() => files.remove())

/** Bytes, what they are made from, and whether they may be executed. */
type Contents = Record<string, readonly [number, number, boolean]>

/** Paths of which some are files where others have directories. */
const contents: fc.Arbitrary<Contents> = fc
  .dictionary(
    fc
      .array(fc.constantFrom('a', 'b', 'é', '日'), { minLength: 1, maxLength: 3 })
      .map(parts => parts.join('/')),
    fc.tuple(
      fc.oneof(fc.integer({ min: 0, max: 20 }), fc.integer({ min: 60_000, max: 400_000 })),
      fc.integer({ min: 0, max: 3 }),
      fc.boolean(),
    ),
    { maxKeys: 8 },
  )
  .map(all =>
    Object.fromEntries(
      Object.entries(all).filter(([path]) => !Object.keys(all).some(other => path.startsWith(`${other}/`))),
    ),
  )

function fill(root: string, all: Contents): void {
  for (const path of Object.keys(treeOf(root)))
    rmSync(join(root, path.split('/')[0]!), { recursive: true, force: true })
  for (const [path, [size, seed, isExecutable]] of Object.entries(all)) {
    put(root, path, madeBytes(size, seed), isExecutable)
  }
}

const isEmpty = (all: Contents): boolean => Object.keys(all).length === 0

describe('checkout', () => {
  it('makes any tree any other, byte for byte', async () => {
    const from = fresh()
    const to = fresh()
    const remote = remoteOf()
    let version = 0
    await fc.assert(
      fc.asyncProperty(contents, async all => {
        fill(from.root, all)
        await from.add('all')
        const draft = await commit(from).catch(() => null)
        if (!draft) return
        version++
        const { manifest } = await remote.push(from, version)
        await to.checkout({ branch: 'main', version, manifest }, remote)
        expect(treeOf(to.root)).toEqual(treeOf(from.root))
        const { staged, unstaged, untracked } = await to.status()
        expect(
          [
            staged.added,
            staged.changed,
            staged.removed,
            unstaged.changed,
            unstaged.removed,
            untracked,
          ].flat(),
        ).toEqual([])
        expect(isEmpty(all) || to.head.manifest === manifest).toBe(true)
      }),
      { numRuns: 60 },
    )
    expect(version).toBeGreaterThan(10)
  })

  it('leaves alone what is there, and gets only what differs', async () => {
    const [from, to, remote] = [fresh(), fresh(), remoteOf()]
    const big = madeBytes(20_000_000, 1)
    put(from.root, 'big', big)
    put(from.root, 'small', 'small')
    await from.add('all')
    await commit(from)
    const one = await remote.push(from, 1)
    await to.checkout({ branch: 'main', version: 1, ...one }, remote)
    expect(remote.loaded).toBeGreaterThan(big.length)

    put(
      from.root,
      'big',
      Buffer.concat([big.subarray(0, 9_000_000), Buffer.from('inserted!'), big.subarray(9_000_000)]),
    )
    await from.add('all')
    await commit(from)
    const two = await remote.push(from, 2)
    expect(two.sent).toBeLessThan(700_000)
    remote.loaded = 0
    const result = await to.checkout({ branch: 'main', version: 2, ...two }, remote)
    expect(result).toMatchObject({ written: 1, unchanged: 1, removed: 0, bytesWritten: big.length + 9 })
    expect(remote.loaded).toBeLessThan(700_000)
    expect(treeOf(to.root)).toEqual(treeOf(from.root))
    remote.loaded = 0
    expect(await to.checkout({ branch: 'main', version: 2, ...two }, remote)).toMatchObject({
      written: 0,
      unchanged: 2,
    })
    expect(remote.loaded).toBe(0)
  })

  it('makes large files out of those that are there: moved, swapped, copied, and several times in a version', async () => {
    const [from, to, remote] = [fresh(), fresh(), remoteOf()]
    const [one, two, three] = [madeBytes(700_000, 1), madeBytes(700_000, 2), madeBytes(700_000, 3)]
    let version = 0
    /** Bytes of chunks of files that had to come, nodes aside. */
    const checkedOut = async (all: Record<string, Uint8Array>, executable = ''): Promise<number> => {
      for (const path of Object.keys(treeOf(from.root))) rmSync(join(from.root, path), { force: true })
      for (const path of ['moved', 'taken']) rmSync(join(from.root, path), { recursive: true, force: true })
      for (const [path, bytes] of Object.entries(all)) put(from.root, path, bytes, path === executable)
      await from.add('all')
      await commit(from)
      const { manifest } = await remote.push(from, ++version)
      remote.loaded = 0
      await to.checkout({ branch: 'main', version, manifest }, remote)
      expect(treeOf(to.root)).toEqual(treeOf(from.root))
      const { unstaged, untracked } = await to.status()
      expect([unstaged.changed, unstaged.removed, untracked]).toEqual([[], [], []])
      return remote.loaded
    }
    const nodes = 20_000
    expect(await checkedOut({ a: one, b: two, c: one })).toBeLessThan(1_400_000 + nodes)
    expect(await checkedOut({ a: two, b: one, c: one }, 'c')).toBeLessThan(nodes)
    expect(await checkedOut({ 'moved/a': two, 'moved/b': one, d: one }, 'moved/b')).toBeLessThan(nodes)
    expect(await checkedOut({ 'moved/a': two, d: one, taken: three })).toBeLessThan(700_000 + nodes)
    // What it would be made from gives way to a directory.
    const gone = await checkedOut({ 'moved/a': two, d: one, 'taken/e': three })
    expect(gone).toBeGreaterThan(700_000)
    expect(gone).toBeLessThan(700_000 + nodes)
  })

  it('overwrites and removes no change that is not committed, but by force', async () => {
    const [from, to, remote] = [fresh(), fresh(), remoteOf()]
    for (const name of ['edited', 'removed', 'mode', 'same']) put(from.root, name, name)
    await from.add('all')
    await commit(from)
    const one = await remote.push(from, 1)
    await to.checkout({ branch: 'main', version: 1, ...one }, remote)

    for (const name of ['edited', 'mode', 'new', 'both']) put(from.root, name, `${name} 2`)
    rmSync(join(from.root, 'removed'))
    await from.add('all')
    await commit(from)
    const two = { branch: 'main', version: 2, ...(await remote.push(from, 2)) }
    put(to.root, 'edited', 'mine')
    put(to.root, 'removed', 'mine too')
    put(to.root, 'new', 'mine as well')
    put(to.root, 'both', 'both 2')
    put(to.root, 'own', 'never added')
    chmodSync(join(to.root, 'mode'), 0o755)
    const before = treeOf(to.root)
    await expect(to.checkout(two, remote)).rejects.toMatchObject({
      code: 'wrong_state',
      details: { problems: expect.any(Array) },
    })
    const refused = (await to.checkout(two, remote).catch((error: unknown) => error)) as {
      details: { problems: { at: string }[] }
    }
    expect(refused.details.problems.map(({ at }) => at).sort()).toEqual(['edited', 'mode', 'new', 'removed'])
    expect(treeOf(to.root)).toEqual(before)
    await to.checkout(two, remote, { force: true })
    expect(treeOf(to.root)).toEqual({ ...treeOf(from.root), own: before.own })
    expect((await to.status()).untracked).toEqual(['own'])
  })

  it('keeps commits that are not pushed, and what was added', async () => {
    const [copy, remote] = [fresh(), remoteOf()]
    put(copy.root, 'a', '1')
    await copy.add('all')
    await commit(copy)
    const one = { branch: 'main', version: 1, ...(await remote.push(copy, 1)) }
    put(copy.root, 'b', '2')
    await copy.add('all')
    await copy.checkout(one, remote)
    expect((await copy.status()).staged.added).toEqual(['b'])
    await commit(copy)
    await expect(copy.checkout(one, remote)).rejects.toThrow(/not pushed/)
    await copy.checkout(one, remote, { force: true })
    expect(copy.head).toMatchObject({ version: 1, draft: null })
    expect(Object.keys(treeOf(copy.root))).toEqual(['a'])
  })

  it.each([
    ['a link where a directory has to be', 'd', (at: string) => symlinkSync('/tmp', at)],
    [
      'a link where a file has to be',
      'd/f',
      (at: string) => (mkdirSync(join(at, '..')), symlinkSync('/etc/passwd', at)),
    ],
    ['a file of its own where a directory has to be', 'd', (at: string) => writeFileSync(at, 'mine')],
  ])('does not go through %s', async (_, path, make) => {
    const [from, to, remote] = [fresh(), fresh(), remoteOf()]
    put(from.root, 'd/f', 'content')
    await from.add('all')
    await commit(from)
    const one = { branch: 'main', version: 1, ...(await remote.push(from, 1)) }
    make(join(to.root, path))
    for (const force of [false, true]) {
      const refused = to.checkout(one, remote, { force })
      await expect(refused).rejects.toMatchObject({
        code: 'wrong_state',
        details: { problems: [{ at: path }] },
      })
    }
    rmSync(join(to.root, path))
    await to.checkout(one, remote)
    // Nor when one that was there is replaced by a link to the same files elsewhere.
    rmSync(join(to.root, 'd'), { recursive: true })
    const outside = files.path('outside')
    put(outside, 'f', 'content')
    symlinkSync(outside, join(to.root, 'd'))
    rmSync(join(from.root, 'd'), { recursive: true })
    put(from.root, 'e', 'e')
    await from.add('all')
    await commit(from)
    await to.checkout({ branch: 'main', version: 2, ...(await remote.push(from, 2)) }, remote, {
      force: true,
    })
    expect(Object.keys(treeOf(outside))).toEqual(['f'])
  })

  it('removes no directory that holds something of its own', async () => {
    const [from, to, remote] = [fresh(), fresh(), remoteOf()]
    put(from.root, 'd', 'a file')
    await from.add('all')
    await commit(from)
    const one = { branch: 'main', version: 1, ...(await remote.push(from, 1)) }
    put(to.root, 'd/own', 'mine')
    await expect(to.checkout(one, remote, { force: true })).rejects.toMatchObject({ code: 'wrong_state' })
    expect(treeOf(to.root)).toMatchObject({ 'd/own': expect.any(String) })
    rmSync(join(to.root, 'd/own'))
    await to.checkout(one, remote)
    expect(treeOf(to.root)).toEqual(treeOf(from.root))
  })

  it.each(['.git/hooks/post-checkout', 'a/.GIT/config', '.mlforge-data/head.json'])(
    'writes no %s, whoever made the version',
    async path => {
      const [to, remote] = [fresh(), remoteOf()]
      const store = new NodeStore()
      // By hand: what builds manifests takes none of these.
      const entries = [{ path, bytes: 0, isExecutable: true, content: null }]
      const manifest = store.keep(encodeNode({ kind: 'files', entries }))
      for (const [sha256, node] of store.nodes) remote.chunks.set(sha256, node)
      const made = to.checkout({ branch: 'main', version: 1, manifest }, remote)
      await expect(made).rejects.toMatchObject({ details: { problems: [{ at: path }] } })
    },
  )

  it('writes no chunk that is not what its name says', async () => {
    const [from, to, remote] = [fresh(), fresh(), remoteOf()]
    put(from.root, 'f', 'content')
    await from.add('all')
    await commit(from)
    const one = { branch: 'main', version: 1, ...(await remote.push(from, 1)) }
    const whole = new Map(remote.chunks)
    for (const sha256 of whole.keys()) {
      remote.chunks.set(sha256, Buffer.from('CONTENT'))
      await expect(to.checkout(one, remote)).rejects.toMatchObject({ code: 'object_corrupt' })
      remote.chunks.delete(sha256)
      await expect(to.checkout(one, remote)).rejects.toMatchObject({ code: 'object_missing' })
      remote.chunks.set(sha256, whole.get(sha256)!)
    }
    expect(treeOf(to.root)).toEqual({})
    await to.checkout(one, remote)
    expect(treeOf(to.root)).toEqual(treeOf(from.root))
  })
})
