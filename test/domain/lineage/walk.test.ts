import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { type EdgesOf, type LineageDirection, type LineageEdge, walk } from '../../../domain/lineage/walk.js'

type Pair = readonly [from: string, to: string]

const edgesOf =
  (pairs: readonly Pair[]): EdgesOf =>
  (nodes, direction) =>
    Promise.resolve(
      pairs
        .filter(([from, to]) => nodes.includes(direction === 'upstream' ? to : from))
        .map(([from, to]): LineageEdge => ({ from, to, step: 'step', details: null, at: 0 })),
    )

const go = async (
  pairs: readonly Pair[],
  start: string,
  direction: LineageDirection = 'both',
  { depth = 100, limit = 1000 } = {},
) => {
  const { distances, edges, truncated } = await walk(start, { direction, depth, limit }, edgesOf(pairs))
  return {
    nodes: Object.fromEntries(distances),
    edges: edges.map(({ from, to }) => `${from}>${to}`).sort(),
    truncated,
  }
}

/** Data, the training of a model, another one, and what serves the first. */
const CHAIN: readonly Pair[] = [
  ['data', 'train'],
  ['train', 'model'],
  ['data', 'other'],
  ['other', 'second'],
  ['model', 'roll'],
  ['roll', 'serves'],
]

describe('walk', () => {
  it('goes to what it was made from', async () => {
    expect(await go(CHAIN, 'model', 'upstream')).toEqual({
      nodes: { model: 0, train: 1, data: 2 },
      edges: ['data>train', 'train>model'],
      truncated: false,
    })
  })

  it('goes both ways, and not to what else was made of an ancestor', async () => {
    expect((await go(CHAIN, 'model')).nodes).toEqual({ model: 0, train: 1, data: 2, roll: 1, serves: 2 })
  })

  it.each<[number, Record<string, number>, boolean]>([
    [1, { data: 0, train: 1, other: 1 }, true],
    [2, { data: 0, train: 1, other: 1, model: 2, second: 2 }, true],
    [4, { data: 0, train: 1, other: 1, model: 2, second: 2, roll: 3, serves: 4 }, false],
  ])('ends at depth %d, and says whether there is more', async (depth, nodes, truncated) => {
    expect(await go(CHAIN, 'data', 'downstream', { depth })).toMatchObject({ nodes, truncated })
  })

  it('keeps the nearest where there are too many', async () => {
    const { nodes, truncated, edges } = await go(CHAIN, 'data', 'downstream', { limit: 3 })
    expect(nodes).toEqual({ data: 0, train: 1, other: 1 })
    expect(edges).toEqual(['data>other', 'data>train'])
    expect(truncated).toBe(true)
  })

  it('ends in a circle', async () => {
    const circle: readonly Pair[] = [
      ['a', 'b'],
      ['b', 'a'],
    ]
    expect(await go(circle, 'a')).toEqual({ nodes: { a: 0, b: 1 }, edges: ['a>b', 'b>a'], truncated: false })
  })

  it('says how near a node is that both ways lead to', async () => {
    const ring: readonly Pair[] = [
      ['a', 'b'],
      ['b', 'c'],
      ['c', 'd'],
      ['d', 'a'],
    ]
    expect((await go(ring, 'a')).nodes).toEqual({ a: 0, b: 1, c: 2, d: 1 })
  })

  it('keeps the nearest of both ways', async () => {
    const line: readonly Pair[] = [
      ['far', 'near'],
      ['near', 'here'],
      ['here', 'next'],
    ]
    expect(await go(line, 'here', 'both', { limit: 3 })).toMatchObject({
      nodes: { here: 0, near: 1, next: 1 },
      truncated: true,
    })
  })

  it('finds what can be reached, whatever the graph', async () => {
    const id = fc.integer({ min: 0, max: 9 }).map(String)
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(id, id), { maxLength: 30 }), id, async (pairs, start) => {
        const reached = new Set([start])
        for (let size = 0; size !== reached.size;) {
          size = reached.size
          for (const [from, to] of pairs) if (reached.has(from)) reached.add(to)
        }
        const { nodes, edges, truncated } = await go(pairs, start, 'downstream')
        expect(Object.keys(nodes).sort()).toEqual([...reached].sort())
        const among = pairs.filter(([from]) => reached.has(from)).map(([from, to]) => `${from}>${to}`)
        expect(edges).toEqual([...new Set(among)].sort())
        expect(truncated).toBe(false)
      }),
    )
  })
})
