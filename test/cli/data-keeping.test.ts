import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { toEnvironment } from '../../config/load.js'
import type { DatasetCommit } from '../../contracts/rest/datasets.js'
import { Rest } from '../../sdk/index.js'
import { uuidv7 } from '../../stores/ids.js'
import { objectUri } from '../../stores/objects/object-uri.js'
import { CollectionBench } from '../support/collections.js'
import { push, type Tree, treeOf } from '../support/data-push.js'
import { type Harness, PROJECT } from '../support/harness.js'
import type { Finished } from './support/stack.js'

const CLI = fileURLToPath(new URL('../../cli/main.js', import.meta.url))

describe('mlforge data, what keeps data and what removes it', () => {
  let bench: CollectionBench
  let harness: Harness
  let directory: string
  beforeAll(async () => {
    bench = await CollectionBench.start(null)
    ;({ harness } = bench)
    directory = await mkdtemp(join(tmpdir(), 'mlforge-cli-keeping-'))
  })
  afterAll(async () => {
    await bench?.stop()
    await rm(directory, { recursive: true, force: true })
  })

  /** Runs a command to its end, whatever its exit code. */
  const data = (
    args: readonly string[],
    more: Readonly<Record<string, string>> = {},
    cwd = directory,
  ): Promise<Finished> => {
    const access = { MLFORGE_API_URL: bench.api.url, MLFORGE_API_KEY: 'mlf_admin' }
    const env = { ...process.env, ...toEnvironment(harness.config), ...access, ...more }
    return new Promise(resolve => {
      execFile(process.execPath, [CLI, 'data', ...args], { cwd, env }, (error, stdout, stderr) =>
        resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
      )
    })
  }
  /** One that does what it is told. */
  const done = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await data(args)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    return stdout
  }
  const versions = async (name: string, count: number): Promise<Tree[]> => {
    const trees: Tree[] = []
    for (let n = 0; n < count; n++) {
      const tree = await treeOf({ [`${n}.bin`]: randomBytes(2_000) })
      await push(harness, name, tree, { base: n === 0 ? null : n })
      trees.push(tree)
    }
    return trees
  }

  const refused = (code: number, message: string) => ({
    code,
    stdout: '',
    stderr: expect.stringContaining(message),
  })
  const objectOf = (tree: Tree) => harness.objectFile(objectUri(PROJECT, tree.packs[0]!.sha256, 'packs'))

  describe('fsck', () => {
    it('compares catalogue and objects, and restores what the objects alone have', async () => {
      const [tree] = await versions('checked', 1)
      await harness.tick('superviseData')
      expect(await done('fsck')).toBe('Nothing is wrong.\n')

      const all = 'data_packs, data_chunks, datasets, dataset_versions, data_refs'
      await harness.database.dataSource.query(`TRUNCATE ${all} CASCADE`)
      const lost = await data(['fsck'])
      expect(lost).toMatchObject({ code: 1, stderr: '' })
      for (const code of ['pack', 'commit', 'ref']) expect(lost.stdout).toContain(`PROBLEM ${code}_unknown `)
      expect(await done('fsck', '--rebuild')).toBe(
        '1 packs read, 1 versions and 1 branches and tags restored\n0 versions of suites and 0 of transformations restored\nNothing is wrong.\n',
      )

      const { uri } = (await harness.ports.objects.list(PROJECT, 'packs', { limit: 2 }))[0]!
      await rename(objectOf(tree!), `${objectOf(tree!)}.away`)
      expect(await data(['fsck'])).toMatchObject({
        code: 1,
        stdout: expect.stringMatching(/^PROBLEM pack_missing \S+: .*\n$/),
      })
      const { code, stdout } = await data(['fsck', '--json'])
      expect({ code, report: JSON.parse(stdout) as unknown }).toMatchObject({
        code: 1,
        report: { ok: false, rebuilt: null, problems: [{ code: 'pack_missing', at: uri }] },
      })
      await rename(`${objectOf(tree!)}.away`, objectOf(tree!))
      expect(JSON.parse(await done('fsck', '--json'))).toEqual({ ok: true, rebuilt: null, problems: [] })
    })

    it('needs stores, not the API', async () => {
      expect(await data(['fsck', '--fix'])).toMatchObject(refused(2, "unknown option '--fix'"))
      expect((await data(['fsck'], { MLFORGE_API_URL: 'http://127.0.0.1:1' })).code).toBe(0)
      const away = { MLFORGE_POSTGRES_URL: 'postgres://127.0.0.1:1/none' }
      expect(await data(['fsck'], away)).toMatchObject(refused(1, 'ECONNREFUSED'))
    })
  })

  describe('retention', () => {
    beforeAll(() => versions('rolling', 3))

    it('keeps what it is told to, and all again', async () => {
      expect(await done('retention', 'list')).toContain('rolling: every version is kept\n')
      const set = ['retention', 'set', '--dataset', 'rolling']
      const rule = 'rolling: the last 2 versions of each branch, and all of the last 0.5 days\n'
      expect(await done(...set, '--keep-last', '2', '--keep-days', '0.5')).toBe(rule)
      expect((await done('retention', 'list')).split(/^/m)).toContain(rule)
      expect(await done(...set)).toBe('rolling: the last 1 version of each branch\n')
      expect(await done('gc')).toMatch(/^2 versions to retire\n/)
      expect(await done('retention', 'remove', '--dataset', 'rolling')).toBe(
        'rolling: every version is kept\n',
      )
      expect(await done('gc')).toMatch(/^0 versions to retire\n/)
    })

    it.each([
      [['--keep-last', 'two'], 2, '--keep-last two: give a number. (invalid_request)'],
      [['--keep-last', '0'], 2, 'invalid_request'],
      [['--keep-days', '-1'], 2, '--keep-days -1: give a number. (invalid_request)'],
      [['--dataset', 'none'], 1, 'not_found'],
      [['--keep-first', '1'], 2, "unknown option '--keep-first'"],
    ])('set %j ends with %d', async (args, code, message) => {
      expect(await data(['retention', 'set', '--dataset', 'rolling', ...args])).toMatchObject({
        code,
        stdout: '',
        stderr: expect.stringContaining(message),
      })
    })

    it('is for who may say so, of a dataset that is named', async () => {
      const set = ['retention', 'set', '--dataset', 'rolling']
      expect(await data(set, { MLFORGE_API_KEY: 'mlf_operator' })).toMatchObject({
        code: 1,
        stderr: expect.stringContaining('forbidden'),
      })
      expect(await data(['retention', 'remove'])).toMatchObject({
        code: 1,
        stderr: expect.stringContaining('Initialise it first. (not_found)'),
      })
    })
  })

  describe('gc', () => {
    it('plans, and removes what the plan says, once', async () => {
      const [, kept] = await versions('collected', 2)
      await done('retention', 'set', '--dataset', 'collected')
      const planned = await done('gc')
      const [, plan] = /^Nothing was removed: mlforge data gc --execute (\S+) does it\.$/m.exec(planned)!
      expect(planned).toMatch(
        /^1 version to retire\n1 pack of 2\.\d KiB that nothing needs\n0 packs to write anew: 0 bytes of 0 bytes needed\n0 objects that no pack is\n0 objects of tables, 0 bytes, that nothing needs\n/,
      )
      const { code, stdout, stderr } = await data(['gc', '--execute', plan!])
      expect(code).toBe(0)
      expect(stderr).toMatch(/^(Run \S+ removes what nobody takes up within data\.graceMinutes\..*\n)?$/)
      expect(stdout).toMatch(/^1 version .*\nremoved 1 pack of 2\.\d KiB; 0 are used by now\n$/s)
      expect(existsSync(objectOf(kept!))).toBe(true)
      expect(await data(['gc', '--execute', plan!])).toMatchObject(refused(1, '(wrong_state)'))
      expect((await data(['gc', '--execute'])).stdout).toMatch(
        /removed 0 packs of 0 bytes; 0 are used by now\n$/,
      )
    })

    it('removes nothing where the database is older than the objects', async () => {
      const [, newer] = await versions('newer', 2)
      await harness.tick('superviseData')
      const { dataSource } = harness.database
      await dataSource.query(
        `DELETE FROM dataset_versions WHERE version = 2 AND dataset_id IN (SELECT id FROM datasets WHERE name = 'newer')`,
      )
      await dataSource.query(`UPDATE data_refs SET version = 1, sequence = 1, recorded = 1 WHERE version = 2 AND dataset_id IN
        (SELECT id FROM datasets WHERE name = 'newer')`)
      for (const args of [[], ['--execute']]) {
        const { code, stderr } = await data(['gc', ...args])
        expect(code).toBe(1)
        expect(stderr).toMatch(
          /has version 2 of dataset "newer", and the catalogue does not.*\(wrong_state\)/s,
        )
      }
      expect(existsSync(objectOf(newer!))).toBe(true)
      expect(await done('fsck', '--rebuild')).toContain('1 versions and 1 branches and tags restored')
      expect(await harness.ports.datasets.version(PROJECT, 'newer', 'latest')).toMatchObject({
        version: 2,
      })
      expect(await done('gc')).toContain('0 packs of 0 bytes that nothing needs')
    })

    it.each([
      [['--execute', uuidv7()], 1, '(not_found)'],
      [['--execute', 'the last'], 1, '(not_found)'],
      [['--everything'], 2, "unknown option '--everything'"],
    ])('%j ends with %d', async (args, code, message) => {
      expect(await data(['gc', ...args])).toMatchObject(refused(code, message))
    })
  })

  describe('verify', () => {
    it('reads all, or what it is told to, and finds what is damaged', async () => {
      const [first] = await versions('images', 2)
      await harness.tick('superviseData')
      expect(await done('verify', 'images@2')).toMatch(
        /^1 pack of 2\.\d KiB and \d+ objects? read\nNothing is damaged\.\n$/,
      )
      const flip = async (file: string) =>
        writeFile(
          file,
          (await readFile(file)).map((byte, at) => (at === 100 ? byte ^ 1 : byte)),
        )
      const { commit } = await harness.ports.datasets.version(PROJECT, 'images', 2)
      await flip(harness.objectFile(objectUri(PROJECT, commit!, 'commits')))
      expect(await done('verify', 'images@2')).toMatch(/\n1 damaged, and healed\n$/)

      await flip(objectOf(first!))
      expect(await done('verify', 'images@2')).toContain('Nothing is damaged.')
      expect(await data(['verify'])).toMatchObject({
        code: 1,
        stdout: expect.stringMatching(
          /^\d+ packs of .* read\n1 damaged, and 1 lost, which nothing here could heal\n {2}images@1 0\.bin\n$/,
        ),
        stderr: '',
      })
      // Said once, it is lost all the same, until a file that has the chunk is pushed.
      expect(await data(['verify', 'images@1'])).toMatchObject({
        code: 1,
        stdout: expect.stringMatching(/\n0 damaged, and 1 lost, .*\n {2}images@1 0\.bin\n$/),
      })
      await push(harness, 'images', first!, { base: 2 })
      expect(await done('verify')).toContain('Nothing is damaged.')
    })

    it('has what is lost sent again by whoever has it checked out', async () => {
      const root = join(directory, 'photos')
      await mkdir(root)
      const here = async (...args: string[]) => (await data(args, {}, root)).stdout
      await here('init', 'photos')
      await writeFile(join(root, 'a.bin'), randomBytes(5_000))
      const large = randomBytes(2_000_000)
      await writeFile(join(root, 'large.bin'), large)
      await writeFile(join(root, 'small.bin'), randomBytes(5_000))
      await here('commit', '-a', '-m', 'a')
      expect(await here('push')).toContain('photos: version 1')
      const packs: { sha256: Buffer }[] = await harness.database.dataSource.query(
        'SELECT sha256 FROM data_packs WHERE bytes > 2000000',
      )
      for (const { sha256 } of packs) {
        const file = harness.objectFile(objectUri(PROJECT, sha256.toString('hex'), 'packs'))
        await rm(file)
        await writeFile(file, randomBytes(2_000_000))
      }
      expect((await data(['verify', 'photos'])).stdout).toMatch(/lost/)
      expect(await here('push')).toContain('Nothing to push.')
      await writeFile(join(root, 'large.bin'), 'another')
      expect(await data(['push', '--restore'], {}, root)).toMatchObject(
        refused(1, 'that is not here any more: "large.bin".'),
      )
      const left = (await data(['verify', 'photos'])).stdout
      expect(left).toContain('photos@1 large.bin')
      expect(left).not.toContain('photos@1 small.bin')
      expect(left).not.toContain('photos@1 a.bin')
      await writeFile(join(root, 'large.bin'), large)
      expect(await here('push', '--restore')).toMatch(
        /^1\.9 MiB sent of what version 1 of photos had lost\n$/,
      )
      expect(await done('verify', 'photos')).toContain('Nothing is damaged.')
      expect(await here('push', '--restore')).toBe('Nothing of version 1 of photos is known to be lost.\n')

      await writeFile(join(root, 'a.bin'), 'b')
      await here('commit', '-a', '-m', 'b')
      expect(await data(['push', '--restore'], {}, root)).toMatchObject(refused(1, 'Push it first.'))

      await here('push')
      await here('checkout', '1')
      await here('branch', 'aside')
      expect(await here('push', '--restore')).toBe('Nothing of version 1 of photos is known to be lost.\n')
      expect(await here('log')).not.toContain('version 3')
    })

    it('makes no version of one with a table that is sent again', async () => {
      const root = join(directory, 'rows')
      await mkdir(root)
      const rest = new Rest(bench.api.url, 'mlf_admin')
      const { id: upload } = await rest.upload<{ id: string }>('/v1/uploads', 'a,b\n1,2\n3,4\n')
      const { links } = await rest.post<DatasetCommit>('/v1/datasets/rows/versions', { upload })
      await rest.follow(links.self)
      await data(['init', 'rows'], {}, root)
      await data(['pull'], {}, root)
      expect(await data(['push', '--restore'], {}, root)).toMatchObject({
        code: 0,
        stdout: 'Nothing of version 1 of rows is known to be lost.\n',
      })
      expect(await rest.get('/v1/datasets/rows/versions/latest')).toMatchObject({ version: 1, rows: 2 })
    })

    it.each([
      [['none'], 1, '(not_found)'],
      [['images@7'], 1, '(not_found)'],
      [['images@{yesterday}'], 1, '(not_found)'],
      [['@3'], 2, '(invalid_request)'],
      [['Images@1'], 2, '(invalid_request)'],
    ])('%j ends with %d', async (args, code, message) => {
      expect(await data(['verify', ...args])).toMatchObject(refused(code, message))
    })
  })

  describe('purge', () => {
    const reason = ['--reason', 'asked for by the person in it']

    it('erases a version, and says why it does not', async () => {
      await versions('people', 2)
      expect(await data(['purge', 'people@2', ...reason])).toMatchObject(refused(1, '(wrong_state)'))
      expect(await done('purge', 'people@1', ...reason)).toBe(
        'people@1 is erased; mlforge data gc --execute removes its chunks.\n',
      )
      expect(await data(['get', 'people@1', '0.bin'])).toMatchObject(
        refused(1, 'asked for by the person in it'),
      )
      const denied = await data(['purge', 'people@2', ...reason], { MLFORGE_API_KEY: 'mlf_operator' })
      expect(denied).toMatchObject(refused(1, '(forbidden)'))
    })

    it.each([
      [['people', ...reason], 2, '"people" names no version. Write name@3. (invalid_request)'],
      [['people@', ...reason], 2, 'names no version'],
      [['people@latest', ...reason], 1, '(not_found)'],
      [['people@7', ...reason], 1, '(not_found)'],
      [['people@2', '--reason', 'x'], 2, '(invalid_request)'],
      [['people@2'], 2, "required option '--reason <text>' not specified"],
      [reason, 2, "missing required argument 'version'"],
    ])('%j ends with %d', async (args, code, message) => {
      expect(await data(['purge', ...args])).toMatchObject(refused(code, message))
    })
  })
})
