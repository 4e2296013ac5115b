import { describe, expect, it } from '@jest/globals'
import { treeOf as packed } from '../../support/data-push.js'
import { dataCaseOf } from './case.js'
import { refDifferences, runDifferences, versionDifferences, type VersionRow } from './differences.js'
import { added, edited } from './edits.js'
import { Model } from './model.js'
import { manifestOf, seenOf, type Tree, treeDifferences } from './tree.js'

const treeOf = (files: Record<string, string>): Tree =>
  new Map(
    Object.entries(files).map(([path, text]) => [path, { content: Buffer.from(text), isExecutable: false }]),
  )

const [ONE, TWO] = [treeOf({ 'a.txt': 'a' }), treeOf({ 'a.txt': 'a', 'b.txt': 'bb' })]

/** Two versions on the main branch, one aside, and a commit that was left. */
function modelOf(): Model {
  const model = new Model()
  model.add('one', ONE, null).fate = { kind: 'version', branch: 'main' }
  model.add('two', TWO, 'one').fate = { kind: 'version', branch: 'main' }
  model.add('aside', TWO, 'one').fate = { kind: 'version', branch: 'c1' }
  model.add('left', TWO, 'one').fate = { kind: 'left' }
  model.tags.set('t0', 1)
  return model
}

const ROWS: readonly VersionRow[] = [
  { version: 1, branch: 'main', parents: [], message: 'one', manifest: manifestOf(ONE), files: 1, bytes: 1 },
  { version: 2, branch: 'main', parents: [1], message: 'two', manifest: manifestOf(TWO), files: 2, bytes: 3 },
  { version: 3, branch: 'c1', parents: [1], message: 'aside', manifest: manifestOf(TWO), files: 2, bytes: 3 },
]
const [FIRST, SECOND, THIRD] = ROWS as [VersionRow, VersionRow, VersionRow]

describe('what versions are otherwise than what was done', () => {
  it('is nothing where all is well', () => {
    expect(versionDifferences(ROWS, modelOf())).toEqual([])
  })

  it.each<[string, readonly VersionRow[], RegExp]>([
    ['a gap', [FIRST, { ...SECOND, version: 4 }, THIRD], /numbered 1, 4, 3: there is no version 2/],
    ['a commit that is no version', [FIRST, SECOND], /commit "aside" became no version instead of one/],
    [
      'one that is two',
      [...ROWS, { ...THIRD, version: 4 }],
      /commit "aside" became version 3 and 4 instead of one/,
    ],
    [
      'one that was left',
      [...ROWS, { ...THIRD, version: 4, message: 'left' }],
      /"left" became version 4 instead of none/,
    ],
    [
      'one of nobody',
      [...ROWS, { ...THIRD, version: 4, message: 'who' }],
      /version 4: nobody has committed "who"/,
    ],
    [
      'another manifest',
      [FIRST, { ...SECOND, manifest: FIRST.manifest }, THIRD],
      /version 2: manifest .* instead of/,
    ],
    ['no manifest', [FIRST, { ...SECOND, manifest: null }, THIRD], /version 2: manifest null instead of/],
    ['another number of files', [FIRST, { ...SECOND, files: 3 }, THIRD], /version 2: files 3 instead of 2/],
    ['another size', [FIRST, { ...SECOND, bytes: 4 }, THIRD], /version 2: bytes 4 instead of 3/],
    ['another branch', [FIRST, SECOND, { ...THIRD, branch: 'main' }], /version 3: branch main instead of c1/],
    ['another parent', [FIRST, SECOND, { ...THIRD, parents: [2] }], /version 3: made from 2 instead of 1/],
  ])('names %s', (_, rows, message) => {
    expect(versionDifferences(rows, modelOf())).toContainEqual(expect.stringMatching(message))
  })

  it('names a commit that nobody has pushed in the end', () => {
    const model = modelOf()
    model.add('open', TWO, 'two')
    expect(versionDifferences(ROWS, model)).toEqual(['commit "open" was neither pushed nor left'])
  })

  it('names branches and tags that are elsewhere', () => {
    const refs = [
      { name: 'main', kind: 'branch', version: 2 },
      { name: 'c1', kind: 'branch', version: 3 },
      { name: 't0', kind: 'tag', version: 1 },
    ] as const
    expect(refDifferences(refs, ROWS, modelOf())).toEqual([])
    const wrong = [{ ...refs[0], version: 1 }, refs[1], { name: 't1', kind: 'tag', version: 1 }] as const
    expect(refDifferences(wrong, ROWS, modelOf())).toEqual([
      'branch main is at 1 instead of 2',
      'tag t0 is at nothing instead of 1',
      'tag t1 should not be there',
    ])
  })

  it('names runs that have not ended as they must', () => {
    const good = [
      { id: '1', kind: 'push', status: 'succeeded', code: null },
      { id: '2', kind: 'push', status: 'refused', code: 'branch_moved' },
      { id: '3', kind: 'pull', status: 'cancelled', code: 'cancelled' },
    ]
    expect(runDifferences(good)).toEqual([])
    const bad = [
      { id: '4', kind: 'push', status: 'running', code: null },
      { id: '5', kind: 'push', status: 'refused', code: 'chunks_missing' },
      { id: '6', kind: 'dataset', status: 'cancelled', code: null },
    ]
    expect(runDifferences(bad)).toEqual([
      'push 4 is running',
      'push 5 is refused (chunks_missing)',
      'dataset 6 is cancelled',
    ])
  })
})

describe('what files are otherwise than they must be', () => {
  const seen = (tree: Tree) => new Map([...tree].map(([path, file]) => [path, seenOf(file)]))

  it('is nothing for the same ones, and names each other one', () => {
    expect(treeDifferences('here', seen(TWO), TWO)).toEqual([])
    expect(treeDifferences('here', seen(ONE), TWO)).toEqual(['here: "b.txt" is missing'])
    expect(treeDifferences('here', seen(TWO), ONE)).toEqual(['here: "b.txt" should not be there'])
    const other = treeOf({ 'a.txt': 'x', 'b.txt': 'b' })
    expect(treeDifferences('here', seen(other), TWO)).toEqual([
      expect.stringMatching(/^here: "a.txt" has other bytes/),
      'here: "b.txt" has 1 bytes instead of 2',
    ])
    const executable = new Map([['a.txt', { content: Buffer.from('a'), isExecutable: true }]])
    expect(treeDifferences('here', seen(executable), ONE)).toEqual(['here: "a.txt" is executable'])
    expect(treeDifferences('here', seen(ONE), executable)).toEqual(['here: "a.txt" is not executable'])
  })

  it('compares with the root that the threads of the product come to as well', async () => {
    let tree: Tree = new Map()
    for (const seed of [1, 2, 3]) tree = added(edited(tree, seed), seed)
    const plain: Tree = new Map([...tree].map(([path, file]) => [path, { ...file, isExecutable: false }]))
    const files = Object.fromEntries([...plain].map(([path, { content }]) => [path, content]))
    expect((await packed(files)).manifest).toBe(manifestOf(plain))
  })
})

describe('cases', () => {
  it('are the same for the same seed, and others for another', () => {
    for (let seed = 1; seed <= 50; seed++) {
      expect(dataCaseOf(seed)).toEqual(dataCaseOf(seed))
      expect(dataCaseOf(seed)).not.toEqual(dataCaseOf(seed + 1))
    }
    expect(manifestOf(edited(ONE, 7))).toBe(manifestOf(edited(ONE, 7)))
    expect(manifestOf(edited(ONE, 7))).not.toBe(manifestOf(edited(ONE, 8)))
  })
})
