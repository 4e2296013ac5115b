import { execFileSync } from 'node:child_process'
import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
  statSync,
} from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, it } from '@jest/globals'
import { WorkingCopy } from '../../../sdk/data/working-copy.js'
import { madeBytes } from '../../domain/data/made-bytes.js'
import { collect } from '../../packing/files.js'
import { commit, put, Remote, temporary } from './tree.js'

const files = temporary()
const open: WorkingCopy[] = []
const fresh = (): WorkingCopy => {
  const copy = WorkingCopy.init(files.path('copy'), 'bikes')
  open.push(copy)
  return copy
}
afterEach(() => Promise.all(open.splice(0).map(copy => copy.close())))
afterAll(() => files.remove())

const none = { staged: { added: [], changed: [], removed: [] }, unstaged: { changed: [], removed: [] } }

describe('a working copy', () => {
  it('is found from any directory within it, and belongs to one dataset', () => {
    const copy = fresh()
    mkdirSync(join(copy.root, 'a/b'), { recursive: true })
    const found = WorkingCopy.open(join(copy.root, 'a/b'))
    expect([found.root, found.dataset]).toEqual([copy.root, 'bikes'])
    expect(WorkingCopy.init(copy.root, 'bikes').head).toEqual(copy.head)
    expect(() => WorkingCopy.init(copy.root, 'cars')).toThrow(/"bikes" already/)
    expect(() => WorkingCopy.open('/')).toThrow(/Initialise/)
  })

  it('compares commit, index and files', async () => {
    const copy = fresh()
    const { root } = copy
    for (const name of ['same', 'edited', 'gone', 'unlinked', 'mode']) put(root, name, name)
    expect(await copy.status()).toMatchObject({
      ...none,
      untracked: ['edited', 'gone', 'mode', 'same', 'unlinked'],
    })
    expect(await copy.add('all')).toEqual({ added: 5, changed: 0, removed: 0, unchanged: 0, bytesRead: 26 })
    expect((await copy.status()).staged.added).toEqual(['edited', 'gone', 'mode', 'same', 'unlinked'])
    const draft = await commit(copy)
    expect(draft).toMatchObject({ parents: [], files: 5, bytes: 26, createdAt: '2026-11-29T07:00:00.000Z' })
    expect(await copy.status()).toMatchObject({ ...none, untracked: [], head: { draft: draft.id } })

    put(root, 'edited', 'EDITED')
    chmodSync(join(root, 'mode'), 0o755)
    rmSync(join(root, 'gone'))
    put(root, 'new/file', 'x')
    expect(await copy.status()).toMatchObject({
      ...none,
      unstaged: { changed: ['edited', 'mode'], removed: ['gone'] },
      untracked: ['new/file'],
    })
    expect(await copy.add('all')).toMatchObject({ added: 1, changed: 2, removed: 1 })
    expect(await copy.status()).toMatchObject({
      staged: { added: ['new/file'], changed: ['edited', 'mode'], removed: ['gone'] },
      unstaged: { changed: [], removed: [] },
      untracked: [],
    })
    const changes = await collect(copy.diff())
    expect(changes.map(({ change, path }) => `${change} ${path}`)).toEqual([
      'changed edited',
      'removed gone',
      'changed mode',
      'added new/file',
    ])
    const second = await commit(copy)
    expect(second.parents).toEqual([{ draft: draft.id }])
    expect(copy.drafts()).toEqual([draft, second])
    await copy.pushed(draft.id, 1)
    await copy.pushed(draft.id, 1)
    expect(copy.drafts()).toEqual([{ ...second, parents: [{ version: 1 }] }])
    expect(copy.head).toMatchObject({ version: 1, draft: second.id, manifest: second.manifest })
  })

  it('adds what is named, and nothing else', async () => {
    const copy = fresh()
    for (const name of ['a/1', 'a/2', 'ab/1', 'b']) put(copy.root, name, name)
    expect(await copy.add(['a', join(copy.root, 'b')])).toMatchObject({ added: 3 })
    expect((await copy.status()).untracked).toEqual(['ab/1'])
    rmSync(join(copy.root, 'a'), { recursive: true })
    rmSync(join(copy.root, 'b'))
    expect(await copy.add(['a/1'])).toMatchObject({ removed: 1 })
    expect(await copy.status()).toMatchObject({
      staged: { added: ['a/2', 'b'] },
      unstaged: { removed: ['a/2', 'b'] },
    })
    await expect(copy.add(['../x', 'b', '/etc/passwd'])).rejects.toMatchObject({
      code: 'invalid_request',
      details: { problems: [{ at: '../x' }, { at: '/etc/passwd' }] },
    })
    await expect(copy.add(['nowhere'])).rejects.toThrow(/nowhere: There is no file/)
  })

  it('does not read again what has not changed, and is not fooled by times', async () => {
    const copy = fresh()
    put(copy.root, 'file', 'one')
    await copy.add('all')
    // Until the clock of the file system has gone on, the file is read again: then never more.
    for (let bytes = 1; bytes > 0;) ({ bytesRead: bytes } = await copy.add('all'))
    const at = new Date('2020-01-01')
    for (const content of ['two', 'six', 'ten']) {
      writeFileSync(join(copy.root, 'file'), content)
      utimesSync(join(copy.root, 'file'), at, at)
      expect((await copy.status()).unstaged.changed).toEqual(['file'])
      expect(await copy.add('all')).toMatchObject({ changed: 1, unchanged: 0 })
      expect((await copy.status()).unstaged.changed).toEqual([])
    }
  })

  it('sees a file that changes in the same tick of the clock in which it was added', async () => {
    const copy = fresh()
    // Kept before: so nobody reads it a second time, and sees the change.
    for (const content of ['100', '101']) {
      put(copy.root, 'file', content)
      await copy.add('all')
    }
    for (let i = 0; i < 100; i++) {
      put(copy.root, 'file', `${100 + (i % 2)}`)
      // Right after it has been read, and soon after it was written before.
      const onProgress = (): void => writeFileSync(join(copy.root, 'file'), `${200 + i}`)
      await copy.add('all', { onProgress })
      expect((await copy.status()).unstaged.changed).toEqual(['file'])
    }
  })

  it('is not changed by a touch', async () => {
    const copy = fresh()
    put(copy.root, 'file', 'one')
    await copy.add('all')
    utimesSync(join(copy.root, 'file'), new Date(), new Date())
    expect((await copy.status()).unstaged.changed).toEqual([])
  })

  it('refuses what cannot be in a version, with all problems at once', async () => {
    const copy = fresh()
    const { root } = copy
    put(root, 'Data.csv', '1')
    put(root, 'data.csv', '2')
    put(root, 'caf\u00e9', '1')
    put(root, 'cafe\u0301', '2')
    put(root, 'back\\slash', '1')
    symlinkSync('/etc', join(root, 'link'))
    execFileSync('mkfifo', [join(root, 'pipe')])
    const refused: unknown = await copy.add('all').catch((error: unknown) => error)
    const { problems } = (refused as { details: { problems: { at: string; message: string }[] } }).details
    const said = problems.map(({ at, message }) => `${at}: ${message}`).sort()
    expect(said).toEqual([
      expect.stringMatching(/^back\\slash: It holds/),
      expect.stringMatching(/^caf.+: It is the same as/u),
      expect.stringMatching(/^[Dd]ata.csv: It is the same as/),
      expect.stringMatching(/^link: It is a link/),
      expect.stringMatching(/^pipe: It is neither/),
    ])
    expect(await copy.status()).toMatchObject({
      staged: none.staged,
      problems: [{ at: 'link' }, { at: 'pipe' }],
    })
    writeFileSync(join(root, '.mlforgeignore'), 'link\npipe\n*.csv\nback*\ncafe*\n')
    expect(await copy.add('all')).toMatchObject({ added: 2 })
  })

  it('leaves out what is ignored, but for what was added before', async () => {
    const copy = fresh()
    const { root } = copy
    for (const name of ['a.tmp', 'keep.tmp', 'out/x', 'in/out/y', 'in/z.log', 'in/deep/z.log', 'old']) {
      put(root, name, name)
    }
    for (const name of ['.git/config', '.mlforge/x', 'in/.git/x', '.GIT/x']) put(root, name, name)
    await copy.add(['old'])
    put(root, '.mlforgeignore', '# of the root\n*.tmp\n!keep.tmp\n/out/\n*.log\nold\n')
    put(root, 'in/.mlforgeignore', '!/z.log\n')
    await copy.add('all')
    expect((await copy.status()).staged.added).toEqual([
      '.mlforgeignore',
      'in/.mlforgeignore',
      'in/out/y',
      'in/z.log',
      'keep.tmp',
      'old',
    ])
    put(root, 'old', 'new')
    expect((await copy.status()).unstaged.changed).toEqual(['old'])
    expect(await copy.add('all')).toMatchObject({ changed: 1, removed: 0 })
  })

  it('names a file that changes while it is added, and has added nothing', async () => {
    const copy = fresh()
    put(copy.root, 'log', madeBytes(40_000_000, 1))
    const onProgress = (): void => appendFileSync(join(copy.root, 'log'), 'x')
    await expect(copy.add('all', { onProgress })).rejects.toMatchObject({ code: 'file_changed' })
    expect((await copy.status()).untracked).toEqual(['log'])
  })

  it('commits nothing where nothing has changed or something lacks', async () => {
    const copy = fresh()
    await expect(commit(copy)).rejects.toMatchObject({ code: 'wrong_state' })
    put(copy.root, 'a', 'a')
    await copy.add('all')
    await commit(copy)
    await expect(commit(copy)).rejects.toMatchObject({ code: 'wrong_state' })
    await expect(copy.commit({ message: ' ', author: '', at: new Date(NaN) })).rejects.toMatchObject({
      details: { problems: [{ at: 'message' }, { at: 'author' }, { at: 'at' }] },
    })
  })

  it('keeps the nodes of many commits in few files', async () => {
    const copy = fresh()
    const manifests: string[] = []
    for (let i = 0; i < 70; i++) {
      put(copy.root, 'file', `${i}`)
      await copy.add('all')
      manifests.push((await commit(copy)).manifest)
    }
    const nodes = join(copy.root, '.mlforge-data/nodes')
    expect(readdirSync(nodes).length).toBeLessThan(10)
    const again = WorkingCopy.open(copy.root)
    open.push(again)
    expect(again.drafts().map(({ manifest }) => manifest)).toEqual(manifests)
    expect(readdirSync(join(copy.root, '.mlforge-data/kept')).length).toBeLessThan(70)
    expect((await again.status()).staged).toEqual(none.staged)
  })

  it('pushes what was committed, whatever has become of the files', async () => {
    const copy = fresh()
    const remote = new Remote()
    const kept = () => readdirSync(join(copy.root, '.mlforge-data/kept'))
    const other = fresh()
    for (const content of [1, 2]) {
      put(copy.root, 'small', `${content}`)
      put(copy.root, 'large', madeBytes(1_000_000, content))
      await copy.add('all')
      await commit(copy)
    }
    put(copy.root, 'small', '3')
    put(copy.root, 'large', madeBytes(1_000_000, 3))
    await copy.add('all')
    rmSync(join(copy.root, 'large'))
    const drafts = copy.drafts()
    for (const [at, { manifest }] of drafts.entries()) {
      const version = at + 1
      await remote.push(copy, version)
      await other.checkout({ branch: 'main', version, manifest }, remote)
      expect(readFileSync(join(other.root, 'small'), 'utf8')).toBe(`${version}`)
      expect(readFileSync(join(other.root, 'large')).equals(madeBytes(1_000_000, version))).toBe(true)
    }
    // What was added and is not committed.
    expect(kept().filter(name => !name.endsWith('.pack'))).toHaveLength(1)
    await commit(copy)
    await remote.push(copy, 3)
    expect(kept()).toEqual([])
    await remote.close()
  })

  it('keeps of a large file what the version before has not, and pushes it whatever has become of the file', async () => {
    const copy = fresh()
    const remote = new Remote()
    const first = madeBytes(2_000_000, 1)
    put(copy.root, 'large', first)
    await copy.add('all')
    const { manifest: before } = await commit(copy)
    await remote.push(copy, 1)
    const directory = join(copy.root, '.mlforge-data/kept')
    const keptBytes = () =>
      readdirSync(directory).reduce((sum, name) => sum + statSync(join(directory, name)).size, 0)
    expect(keptBytes()).toBe(0)

    const second = Buffer.concat([
      first.subarray(0, 1_000_000),
      Buffer.from('nine more'),
      first.subarray(1_000_000),
    ])
    put(copy.root, 'large', second)
    await copy.add('all')
    // A file system that shares blocks keeps all of it, and needs no room for it.
    const shares = readdirSync(directory).some(name => !name.endsWith('.pack'))
    if (!shares) expect(keptBytes()).toBeLessThan(600_000)
    const { manifest } = await commit(copy)
    // On top of a commit that is not pushed, all is kept.
    const third = Buffer.concat([second, Buffer.from('and more')])
    put(copy.root, 'large', third)
    await copy.add('all')
    expect(keptBytes()).toBeGreaterThan(third.length)
    const { manifest: last } = await commit(copy)
    rmSync(join(copy.root, 'large'))

    // A store that has lost the version before lacks what was not kept.
    if (!shares) {
      const empty = new Remote()
      await expect(empty.push(copy, 2)).rejects.toMatchObject({
        code: 'file_changed',
        details: { problems: [{ at: 'large' }] },
      })
      await empty.close()
    }
    const other = fresh()
    await remote.push(copy, 2)
    await remote.push(copy, 3)
    expect(keptBytes()).toBe(0)
    for (const [version, root, content] of [
      [1, before, first],
      [2, manifest, second],
      [3, last, third],
    ] as const) {
      await other.checkout({ branch: 'main', version, manifest: root }, remote)
      expect(readFileSync(join(other.root, 'large')).equals(content)).toBe(true)
    }
    await remote.close()
  })

  it('says which files a commit of an earlier release needs that have other content by now', async () => {
    const copy = fresh()
    const remote = new Remote()
    put(copy.root, 'a', 'a')
    put(copy.root, 'b', madeBytes(300_000, 1))
    put(copy.root, 'c', madeBytes(300_000, 2))
    await copy.add('all')
    await commit(copy)
    renameSync(join(copy.root, 'b'), join(copy.root, 'd'))
    put(copy.root, 'c', 'other')
    // It did not keep content.
    const forget = () => rmSync(join(copy.root, '.mlforge-data/kept'), { recursive: true })
    forget()
    await expect(remote.push(copy, 1)).rejects.toMatchObject({ code: 'file_changed' })
    await copy.add('all')
    forget()
    await expect(remote.push(copy, 1)).rejects.toMatchObject({
      code: 'file_changed',
      details: { problems: [{ at: 'c' }] },
    })
    put(copy.root, 'c', madeBytes(300_000, 2))
    await copy.add('all')
    await remote.push(copy, 1)
    await remote.close()
  })

  it('says what the file system refuses', async () => {
    const copy = fresh()
    put(copy.root, '.mlforge-data/locks', 'no directory')
    await expect(copy.add('all')).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining(join(copy.root, '.mlforge-data/locks')),
    })
  })

  it('reads no state of a later release', async () => {
    const copy = fresh()
    const file = join(copy.root, '.mlforge-data/index.json')
    put(copy.root, 'a', 'a')
    await copy.add('all')
    writeFileSync(file, readFileSync(file, 'utf8').replace('"format":1', '"format":2'))
    await expect(copy.status()).rejects.toMatchObject({ code: 'unsupported_format' })
    writeFileSync(file, '{')
    await expect(copy.status()).rejects.toMatchObject({ code: 'object_corrupt' })
  })
})
