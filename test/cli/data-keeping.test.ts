import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { toEnvironment } from '../../config/load.js'
import { CollectionBench } from '../support/collections.js'
import { push, type Tree, treeOf } from '../support/data-push.js'
import type { Harness } from '../support/harness.js'
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
  const data = (args: readonly string[], more: Readonly<Record<string, string>> = {}): Promise<Finished> => {
    const access = { MLFORGE_API_URL: bench.api.url, MLFORGE_API_KEY: 'mlf_admin' }
    const env = { ...process.env, ...toEnvironment(harness.config), ...access, ...more }
    return new Promise(resolve => {
      execFile(process.execPath, [CLI, 'data', ...args], { cwd: directory, env }, (error, stdout, stderr) =>
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

  describe('retention', () => {
    beforeAll(() => versions('rolling', 3))

    it('keeps what it is told to, and all again', async () => {
      expect(await done('retention', 'list')).toBe('rolling: every version is kept\n')
      const set = ['retention', 'set', '--dataset', 'rolling']
      const rule = 'rolling: the last 2 versions of each branch, and all of the last 0.5 days\n'
      expect(await done(...set, '--keep-last', '2', '--keep-days', '0.5')).toBe(rule)
      expect(await done('retention', 'list')).toBe(rule)
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
})
