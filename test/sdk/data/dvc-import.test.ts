import { hash } from 'node:crypto'
import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import { md5sOf } from '../../../sdk/data/dvc/md5.js'
import { WorkingCopy } from '../../../sdk/data/working-copy.js'
import { madeBytes } from '../../domain/data/made-bytes.js'
import { dvc, dvcScript, git } from '../../support/dvc.js'
import { asBefore3, copyOf, hashesOf, makeRepository, rewrite, tracked, within } from './dvc-repository.js'
import { commit, put, Remote, temporary } from './tree.js'

const files = temporary()
const open: WorkingCopy[] = []
const copyIn = (directory: string): WorkingCopy => {
  const copy = WorkingCopy.init(directory, 'bikes')
  open.push(copy)
  return copy
}
const fresh = (): WorkingCopy => copyIn(files.path('copy'))
let repository: string
/** Another one, to be changed. */
const another = (): string => copyOf(repository, files.path('repository'))

beforeAll(async () => {
  repository = files.path('made')
  await makeRepository(repository)
}, 600_000)
afterEach(() => Promise.all(open.splice(0).map(copy => copy.close())))
afterAll(() => files.remove())

const objectOf = (root: string, md5: string) =>
  join(root, '.dvc/cache/files/md5', md5.slice(0, 2), md5.slice(2))
const md5Of = (content: string | Uint8Array) => hash('md5', content, 'hex')

/** Has a directory be another list, whose hash is right. */
function forge(root: string, list: readonly { relpath: string; md5: string }[]): void {
  const text = JSON.stringify(list)
  const object = objectOf(root, `${md5Of(text)}.dir`)
  mkdirSync(dirname(object), { recursive: true })
  writeFileSync(object, text)
  rewrite(join(root, 'data.dvc'), old => old.replace(/[0-9a-f]{32}\.dir/, `${md5Of(text)}.dir`))
}

describe('an import from DVC', () => {
  it('has every byte that the real dvc tracks', async () => {
    const copy = fresh()
    const seen: number[][] = []
    const imported = await copy.importDvc(join(repository, 'deep'), {
      onProgress: ({ files: done, bytes, totalFiles, totalBytes }) =>
        seen.push([done, bytes, totalFiles, totalBytes]),
    })
    expect(hashesOf(copy.root)).toEqual(tracked(repository))
    expect(Object.keys(hashesOf(copy.root))).toHaveLength(9)
    expect(imported).toMatchObject({ added: 9, changed: 0, removed: 0, unchanged: 0 })
    expect(imported.leftOut).toEqual([
      { at: 'work/m.json', message: expect.stringContaining('cache: false') },
    ])
    expect(seen.at(-1)).toEqual([9, imported.bytes, 9, imported.bytes])
    // As it would be had the files been added where they are.
    const draft = await commit(copy)
    const added = copyIn(another())
    await added.add(['data', 'single.bin', 'deep/inner/file.txt', 'each-a.txt', 'each-b.txt', 'work/made'])
    expect((await commit(added)).manifest).toBe(draft.manifest)
    const { staged, unstaged, untracked } = await copy.status()
    expect([...Object.values(staged), ...Object.values(unstaged), untracked].flat()).toEqual([])
    // It can be pushed whatever becomes of its files.
    for (const path of Object.keys(hashesOf(copy.root))) rmSync(join(copy.root, path))
    const remote = new Remote()
    expect((await remote.push(copy, 1)).manifest).toBe(draft.manifest)
    await remote.close()
  })

  it('takes objects out of a remote that is a directory', async () => {
    const clone = files.path('clone')
    await git(dirname(repository), 'clone', '-q', repository, clone)
    const copy = fresh()
    await copy.importDvc(clone)
    expect(hashesOf(copy.root)).toEqual(tracked(repository))
  })

  it('leaves files where they are in a working directory within the repository', async () => {
    const root = another()
    rmSync(join(root, 'data/large.bin'))
    const before = statSync(join(root, 'data/a.csv')).ino
    const copy = copyIn(join(root, 'data'))
    const imported = await copy.importDvc(copy.root)
    expect(hashesOf(copy.root)).toEqual(hashesOf(join(repository, 'data')))
    expect(statSync(join(root, 'data/a.csv')).ino).toBe(before)
    expect(imported).toMatchObject({ added: 4, unchanged: 0 })
    expect(imported.leftOut.map(({ at }) => at)).toEqual(
      expect.arrayContaining(['single.bin', 'deep/inner/file.txt', 'work/made', 'each-a.txt']),
    )
  })

  it('leaves files where they are in a working directory that is the repository', async () => {
    const root = another()
    rmSync(join(root, 'deep/inner/file.txt'))
    chmodSync(join(root, 'data/a.csv'), 0o755)
    const before = statSync(join(root, 'single.bin')).ino
    const copy = copyIn(root)
    expect(await copy.importDvc(root)).toMatchObject({ added: 9 })
    expect(statSync(join(root, 'single.bin')).ino).toBe(before)
    expect(readFileSync(join(root, 'deep/inner/file.txt'), 'utf8')).toBe('deep\n')
    expect(copy.files().filter(({ isExecutable }) => isExecutable)).toMatchObject([
      { path: 'data/a.csv' },
      { path: 'single.bin' },
    ])
    expect((await copy.status()).untracked).toContain('dvc.yaml')
  })

  it('follows the repository, and keeps what was changed here', async () => {
    const root = another()
    const copy = fresh()
    await copy.importDvc(root)
    await commit(copy)
    put(root, 'data/a.csv', 'changed\n')
    put(root, 'data/new', 'new\n')
    rmSync(join(root, 'data/nested'), { recursive: true })
    await dvc(root, 'add', '-q', 'data')

    put(copy.root, 'data/a.csv', 'mine\n')
    const mine = hashesOf(copy.root)
    await expect(copy.importDvc(root)).rejects.toMatchObject({
      code: 'wrong_state',
      details: { problems: [{ at: 'data/a.csv' }] },
    })
    expect(hashesOf(copy.root)).toEqual(mine)

    put(copy.root, 'data/a.csv', 'day,count\r\n1,2\r\n')
    put(copy.root, 'own.txt', 'not of DVC\n')
    await copy.add(['own.txt'])
    expect(await copy.importDvc(root)).toMatchObject({ added: 1, changed: 1, removed: 2, unchanged: 6 })
    expect(hashesOf(copy.root)).toEqual({
      ...tracked(root),
      'own.txt': hash('sha256', 'not of DVC\n', 'hex'),
    })
    expect(await copy.importDvc(root)).toMatchObject({ added: 0, changed: 0, removed: 0, unchanged: 8 })
    await commit(copy)
    const { unstaged, untracked } = await copy.status()
    expect([unstaged, untracked]).toEqual([{ changed: [], removed: [] }, []])
  })

  it('names all objects that are damaged, and changes nothing', async () => {
    const root = another()
    for (const path of ['single.bin', 'data/a.csv']) {
      const { md5s } = await md5sOf(join(root, path), 'md5')
      const object = objectOf(root, md5s[0]!)
      rmSync(object)
      writeFileSync(object, 'other bytes')
    }
    const copy = fresh()
    await expect(copy.importDvc(root)).rejects.toMatchObject({
      code: 'object_corrupt',
      message: expect.stringContaining('dvc fetch'),
      // One is copied by the pipeline.
      details: {
        problems: expect.arrayContaining(
          ['data/a.csv', 'single.bin', 'work/made/copy'].map(at => expect.objectContaining({ at })),
        ),
      },
    })
    expect(hashesOf(copy.root)).toEqual({})
    expect(copy.files()).toEqual([])

    const list = readdirSync(join(root, '.dvc/cache/files/md5'), { recursive: true, encoding: 'utf8' })
    for (const each of list.filter(name => name.endsWith('.dir'))) {
      rmSync(join(root, '.dvc/cache/files/md5', each))
      writeFileSync(join(root, '.dvc/cache/files/md5', each), '[]')
    }
    await expect(copy.importDvc(root)).rejects.toMatchObject({
      code: 'object_corrupt',
      details: { problems: expect.arrayContaining([expect.objectContaining({ at: 'work/made' })]) },
    })
  })

  it('leaves out what DVC never sends anywhere, where it is not here, and keeps what was committed of it', async () => {
    const root = another()
    const copy = fresh()
    rewrite(join(root, 'deep/inner/file.txt.dvc'), text => text.replace('  path:', '  push: false\n  path:'))
    rewrite(join(root, 'data.dvc'), text => text.replace('  path:', '  push: false\n  path:'))
    rewrite(join(root, '.dvc/config'), text => text.replace(/url = .*/, `url = ${root}-nowhere`))
    await copy.importDvc(root)
    expect(hashesOf(copy.root)).toEqual(tracked(repository))
    await commit(copy)

    rmSync(objectOf(root, /[0-9a-f]{32}\.dir/.exec(readFileSync(join(root, 'data.dvc'), 'utf8'))![0]))
    rmSync(objectOf(root, md5Of('deep\n')))
    const elsewhere = fresh()
    const { added, leftOut } = await elsewhere.importDvc(root)
    const without = within(tracked(repository), ['single.bin', 'each-a.txt', 'each-b.txt', 'work'])
    expect(hashesOf(elsewhere.root)).toEqual(without)
    expect(added).toBe(Object.keys(without).length)
    for (const at of ['data', 'deep/inner/file.txt']) {
      expect(leftOut).toContainEqual({ at, message: expect.stringContaining('push: false') })
    }
    for (const path of ['data/a.csv', 'deep/inner/file.txt']) {
      writeFileSync(join(copy.root, path), 'mine')
    }
    expect(await copy.importDvc(root)).toMatchObject({ removed: 0, unchanged: added })
    expect(copy.files()).toHaveLength(9)
    for (const path of ['data/a.csv', 'deep/inner/file.txt']) {
      expect(readFileSync(join(copy.root, path), 'utf8')).toBe('mine')
    }
  })

  it('names all objects that are missing, and who can get them', async () => {
    const root = another()
    const copy = fresh()
    rmSync(join(root, '.dvc/cache'), { recursive: true })
    for (const [url, where] of [
      [`${root}-nowhere`, `the remote "${root}-nowhere"`],
      ['s3://bucket/dvc', 'only DVC reads the remote s3://bucket/dvc'],
      ['https://ada:hush@host/dvc?key=hush', 'only DVC reads the remote https://host/dvc….'],
    ] as const) {
      rewrite(join(root, '.dvc/config'), text => text.replace(/url = .*/, `url = ${url}`))
      await expect(copy.importDvc(root)).rejects.toMatchObject({
        code: 'object_missing',
        message: expect.stringContaining(`dvc fetch in "${root}"`),
        details: {
          problems: expect.arrayContaining([
            expect.objectContaining({ at: 'data' }),
            { at: 'deep/inner/file.txt', message: expect.stringContaining(where) },
          ]),
        },
      })
    }
    expect(hashesOf(copy.root)).toEqual({})
  })

  it.each(['../evil', 'a/../../evil', '/tmp/evil', '.git/hooks/post-checkout', '.mlforge-data/config.json'])(
    'refuses the path %s',
    async relpath => {
      const root = another()
      const content = 'evil'
      mkdirSync(dirname(objectOf(root, md5Of(content))), { recursive: true })
      writeFileSync(objectOf(root, md5Of(content)), content)
      forge(root, [
        { relpath, md5: md5Of(content) },
        { relpath: 'good', md5: md5Of(content) },
      ])
      const copy = fresh()
      await expect(copy.importDvc(root)).rejects.toMatchObject({
        code: 'invalid_request',
        details: { problems: [{ at: `data/${relpath}` }] },
      })
      expect(hashesOf(copy.root)).toEqual({})
    },
  )

  it('refuses outputs outside of the repository, and metafiles that are none', async () => {
    const root = another()
    const good = within(tracked(repository), ['single.bin'])
    rewrite(join(root, 'deep/inner/file.txt.dvc'), text => text.replace('path: ', 'path: ../../../'))
    const copy = fresh()
    await expect(copy.importDvc(root)).rejects.toMatchObject({
      code: 'invalid_request',
      details: { problems: [{ at: 'deep/inner/file.txt.dvc' }] },
    })
    rewrite(join(root, 'deep/inner/file.txt.dvc'), () => 'outs: [')
    await expect(copy.importDvc(root)).rejects.toThrow('"deep/inner/file.txt.dvc" cannot be read')
    await expect(copy.importDvc('/')).rejects.toMatchObject({ code: 'not_found' })
    // Not the repository above it either.
    for (const [name, shown] of [
      [join(repository, 'dta'), join(repository, 'dta')],
      ['https://ada:hush@host/bikes.git', 'https://host/bikes.git'],
    ] as const) {
      await expect(copy.importDvc(name)).rejects.toMatchObject({
        code: 'not_found',
        message: `There is no directory "${shown}".`,
      })
    }
    // What DVC is told to ignore is no data of it.
    writeFileSync(join(root, '.dvcignore'), 'deep\n')
    await copy.importDvc(root)
    expect(hashesOf(copy.root)).toMatchObject(good)
    expect(Object.keys(hashesOf(copy.root))).not.toContain('deep/inner/file.txt')
  })

  it('writes through no link', async () => {
    const copy = fresh()
    const outside = files.path('outside')
    mkdirSync(outside)
    symlinkSync(outside, join(copy.root, 'data'))
    await expect(copy.importDvc(repository)).rejects.toMatchObject({
      code: 'wrong_state',
      details: { problems: [{ at: 'data' }] },
    })
    expect(readdirSync(outside)).toEqual([])
  })
})

const LEGACY = String.raw`
import json, sys
from dvc_data.hashfile.hash import file_md5
from dvc_objects.fs import localfs
print(json.dumps([file_md5(file, localfs, name='md5-dos2unix') for file in sys.argv[1:]]))
`

describe('an import from DVC before 3', () => {
  it('has every byte of a repository that the real dvc reads', async () => {
    const root = another()
    // The text with CR LF, and the list that it is in.
    expect(await asBefore3(root)).toHaveLength(2)
    expect(await dvc(root, 'status')).toContain('up to date')
    const copy = fresh()
    await copy.importDvc(root)
    expect(hashesOf(copy.root)).toEqual(tracked(repository))

    const { md5s } = await md5sOf(join(root, 'single.bin'), 'md5-dos2unix')
    writeFileSync(join(root, '.dvc/cache', md5s[0]!.slice(0, 2), md5s[0]!.slice(2)), 'other bytes')
    await expect(fresh().importDvc(root)).rejects.toMatchObject({ code: 'object_corrupt' })
  })

  it('hashes as the real dvc does', async () => {
    const directory = files.path('legacy')
    const text = 'a line\r\nanother\rone\n'
    const contents = [
      '',
      text,
      text.repeat(200_000),
      `${'a'.repeat(2 ** 20 - 1)}\r\n${text}`,
      Buffer.from([0, 13, 10]),
      madeBytes(3_000_000, 5),
      Buffer.concat([Buffer.from(text.repeat(60_000)), madeBytes(2_000_000, 6), Buffer.from(text)]),
      `${'é'.repeat(90)}${text}`,
      'ü\r\n'.repeat(400),
    ]
    contents.forEach((content, i) => put(directory, `${i}`, content))
    const paths = contents.map((_, i) => join(directory, `${i}`))
    const real = await dvcScript<string[]>(LEGACY, ...paths)
    const ours = await Promise.all(paths.map(async path => (await md5sOf(path, 'md5-dos2unix')).md5s[0]))
    expect(ours).toEqual(real)
  })
})
