import { hash } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { pathProblem } from '../../../../domain/data/paths.js'
import { dvcTreeText, readDvcTree } from '../../../../domain/data/dvc/tree.js'
import { dvcScript } from '../../../support/dvc.js'

const md5 = fc.stringMatching(/^[0-9a-f]{32}$/)
const relpath = fc
  .string({ unit: 'binary', minLength: 1, maxLength: 12 })
  .filter(path => pathProblem(path) === null)
const tree = fc.uniqueArray(fc.record({ relpath, md5 }), { selector: each => each.relpath, maxLength: 12 })

const TREES = String.raw`
import json, sys
from dvc_data.hashfile.tree import Tree
answers = []
for entries in json.load(open(sys.argv[1])):
    tree = Tree.from_list(entries, hash_name='md5')
    tree.digest()
    answers.append({'text': tree.as_bytes().decode(), 'md5': tree.hash_info.value})
print(json.dumps(answers))
`

describe('the list of a directory', () => {
  it('has the bytes that the real dvc gives it', async () => {
    const trees = [[], ...fc.sample(tree, { numRuns: 300, seed: 7 })]
    const directory = mkdtempSync(join(tmpdir(), 'mlforge-dvc-trees-'))
    try {
      writeFileSync(join(directory, 'trees.json'), JSON.stringify(trees))
      const real = await dvcScript<{ text: string; md5: string }[]>(TREES, join(directory, 'trees.json'))
      const ours = trees.map(entries => {
        const text = dvcTreeText(entries)
        return { text, md5: `${hash('md5', text, 'hex')}.dir` }
      })
      expect(ours).toEqual(real)
    } finally {
      rmSync(directory, { recursive: true, force: true })
    }
  })

  it('is read as it was written', () => {
    fc.assert(
      fc.property(tree, entries => {
        const read = readDvcTree(JSON.parse(dvcTreeText(entries)), 'data')
        expect(read.problems).toEqual([])
        expect(new Set(read.entries)).toEqual(new Set(entries))
      }),
    )
  })

  it.each([
    [{}, 'data', 'no list'],
    [[null], 'data', 'File 0 of its `.dir` has no path.'],
    [[{ md5: 'a'.repeat(32) }], 'data', 'no path'],
    [[{ relpath: 'a' }], 'data/a', 'no MD5'],
    [[{ relpath: 'a', md5: '../../../../etc/passwd' }], 'data/a', 'no MD5'],
    [[{ relpath: '../a', md5: 'a'.repeat(32) }], 'data/../a', 'leaves its directory'],
    [[{ relpath: 'a/../../b', md5: 'a'.repeat(32) }], 'data/a/../../b', 'leaves its directory'],
    [[{ relpath: '/etc/passwd', md5: 'a'.repeat(32) }], 'data//etc/passwd', 'absolute'],
  ])('refuses %j', (value, at, why) => {
    const { entries, problems } = readDvcTree(value, 'data')
    expect(entries).toEqual([])
    expect(problems).toEqual([{ at, message: expect.stringContaining(why) }])
  })
})
