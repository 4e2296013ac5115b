import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import type { AssetDefinition, Mapping, Partitions } from '../../../domain/assets/definition.js'
import { describeReason } from '../../../domain/assets/describe.js'
import { mappingProblem } from '../../../domain/assets/mapping-problem.js'
import { planBackfill, type Selection, type Upstream } from '../../../domain/assets/plan.js'
import { AssetGraph, type AssetNow, type Made, shapeOf } from '../../../domain/assets/staleness.js'
import { sha256Hex } from '../../../stores/ids.js'

const NOW = Date.parse('2026-02-01T00:00:00Z')
const daily: Partitions = { type: 'time', unit: 'day', start: '2026-01-01', timeZone: 'UTC' }
const weekly: Partitions = { type: 'time', unit: 'week', start: '2026-01-01', timeZone: 'UTC' }

const asset = (
  name: string,
  needs: readonly string[],
  more: Partial<AssetDefinition> = {},
): AssetDefinition => ({
  ...{ schema: 1, name, kind: 'feature', needs, make: { pipeline: name, parameters: {} } },
  ...more,
})
const source = (name: string): AssetDefinition => ({
  ...{ schema: 1, name, kind: 'dataset', needs: [], source: { dataset: name } },
})

/** A project as a model: what it makes is the hash of the code and the inputs. */
class Project {
  readonly made = new Map<string, Made>()
  readonly code = new Map<string, string>()
  readonly sources = new Map<string, string | null>()
  readonly versions = new Map<string, number>()

  constructor(
    readonly definitions: Map<string, AssetDefinition>,
    readonly dynamic = new Map<string, readonly string[]>(),
  ) {
    for (const { name, source: dataset } of definitions.values()) if (dataset) this.sources.set(name, 'root1')
  }

  static of(...definitions: readonly AssetDefinition[]): Project {
    return new Project(new Map(definitions.map(each => [each.name, each])))
  }

  graph(): AssetGraph {
    const assets = new Map(
      Array.from(this.definitions.values(), (definition): [string, AssetNow] => [
        definition.name,
        {
          definition,
          version: this.versions.get(definition.name) ?? 1,
          shapeSha256: sha256Hex(shapeOf(definition)),
          codeSha256: this.code.get(definition.name) ?? 'code1',
        },
      ]),
    )
    return new AssetGraph({
      ...{ assets, now: NOW, dynamic: this.dynamic, sources: this.sources, hash: sha256Hex },
      made: (name, key) => this.made.get(`${name}/${key}`),
    })
  }

  make(name: string, key = '', data?: string): void {
    const graph = this.graph()
    const { shapeSha256, codeSha256, version } = graph.asset(name)!
    const { inputs } = graph.inputs(name, key)
    const dataSha256 = data ?? sha256Hex(JSON.stringify([name, key, codeSha256, inputs]))
    this.made.set(`${name}/${key}`, {
      ...{ definitionVersion: version, shapeSha256, codeSha256: codeSha256!, dataSha256, inputs },
    })
  }

  plan(assets: readonly string[], selection: Selection = { type: 'all' }, upstream: Upstream = 'stale') {
    return planBackfill(this.graph(), { assets, selection, upstream })
  }
}

describe('staleness', () => {
  const chain = () => Project.of(source('raw'), asset('clean', ['raw']), asset('report', ['clean']))
  const whyOf = (project: Project, name: string, key = '') =>
    project.graph().state(name, key).reasons.map(describeReason)

  it('is missing, fresh, then stale with the reason', () => {
    const project = chain()
    expect(whyOf(project, 'clean')).toEqual(['never made'])
    project.make('clean')
    project.make('report')
    expect(project.graph().state('report', '')).toEqual({ state: 'fresh', reasons: [] })

    project.sources.set('raw', 'root2')
    expect(whyOf(project, 'clean')).toEqual(['raw changed (root1 -> root2)'])
    expect(whyOf(project, 'report')).toEqual(['clean is stale'])
    expect(project.graph().isSame('report', '')).toBe(true)
    project.make('clean')
    expect(project.graph().state('report', '').reasons).toMatchObject([
      { code: 'input_changed', asset: 'clean', partition: '' },
    ])

    project.make('report')
    project.code.set('report', 'code2')
    expect(whyOf(project, 'report')).toEqual(['its pipeline or parameters changed (code1 -> code2)'])
  })

  it('comes by a change of how it is made, and by none of its description', () => {
    const project = chain()
    project.make('clean')
    const { definitions, versions } = project
    definitions.set('clean', { ...definitions.get('clean')!, description: 'better said' })
    versions.set('clean', 2)
    expect(project.graph().state('clean', '').state).toBe('fresh')
    definitions.set('clean', { ...definitions.get('clean')!, needs: [], output: 'steps.a.b' })
    versions.set('clean', 3)
    expect(whyOf(project, 'clean')).toEqual([
      'its definition changed (version 1 -> 3)',
      'raw changed (root1 -> none)',
    ])
  })

  it('goes by partitions: a week rests on its days, a day on those before it', () => {
    const project = Project.of(
      asset('days', [], { partitions: daily }),
      asset('rolling', ['days'], {
        partitions: daily,
        mappings: { days: { type: 'window', startOffset: -2, endOffset: 0 } },
      }),
      asset('weeks', ['days'], { partitions: weekly }),
      asset('total', ['weeks']),
    )
    const graph = project.graph()
    expect(graph.needed('weeks', '2026-W02', 'days')).toEqual(
      [5, 6, 7, 8, 9, 10, 11].map(day => `2026-01-${String(day).padStart(2, '0')}`),
    )
    expect(graph.needed('rolling', '2026-01-01', 'days')).toEqual(['2026-01-01'])
    expect(graph.needed('rolling', '2026-01-04', 'days')).toEqual(['2026-01-02', '2026-01-03', '2026-01-04'])
    expect(graph.needed('total', '', 'weeks')).toEqual(['2026-W02', '2026-W03', '2026-W04'])
    for (const name of ['days', 'weeks', 'total'])
      for (const key of project.graph().keysOf(name)) project.make(name, key)
    project.make('days', '2026-01-06', 'another')
    const stale = project
      .graph()
      .keysOf('weeks')
      .filter(key => project.graph().state('weeks', key).state === 'stale')
    expect(stale).toEqual(['2026-W02'])
    expect(whyOf(project, 'total')).toEqual(['weeks[2026-W02] is stale'])
  })

  it('keeps many inputs of one asset as one', () => {
    const keys = Array.from({ length: 150 }, (_, i) => `k${i}`)
    const project = Project.of(
      asset('parts', [], { partitions: { type: 'static', keys } }),
      asset('whole', ['parts']),
    )
    for (const key of keys) project.make('parts', key)
    project.make('whole')
    expect(project.made.get('whole/')!.inputs).toMatchObject([{ asset: 'parts', partition: '*', count: 150 }])
    expect(project.graph().state('whole', '').state).toBe('fresh')
    project.make('parts', 'k77', 'another')
    expect(whyOf(project, 'whole')).toEqual([expect.stringMatching(/^parts\[\*\] changed/)])
  })
})

describe('a mapping', () => {
  const all: Mapping = { type: 'all' }
  const same: Mapping = { type: 'same' }
  const window: Mapping = { type: 'window', startOffset: 0, endOffset: 0 }
  const keys = (...of: string[]): Partitions => ({ type: 'static', keys: of })
  it.each<[string, Partitions | undefined, Partitions | undefined, Mapping | undefined, string | null]>([
    ['none on either side', undefined, undefined, undefined, null],
    ['a whole from parts', undefined, daily, undefined, null],
    ['parts from a whole', daily, undefined, undefined, null],
    ['weeks from days', weekly, daily, undefined, null],
    ['days from keys', daily, keys('a'), undefined, 'name the mapping "all"'],
    ['days from all keys', daily, keys('a'), all, null],
    ['days from the same weeks', daily, weekly, same, 'Use "window"'],
    [
      'days from earlier days',
      { ...daily, start: '2025-12-01' },
      daily,
      same,
      'has partitions that "need" has not',
    ],
    [
      'days from days that end',
      daily,
      { ...daily, end: '2026-01-09' },
      same,
      'has partitions that "need" has not',
    ],
    ['keys from fewer keys', keys('a', 'b', 'c'), keys('a'), undefined, 'no partition "b", and 1 more'],
    ['dynamic keys from keys', { type: 'dynamic' }, keys('a'), undefined, null],
    ['a window of keys', keys('a'), keys('a'), window, 'needs partitions of time'],
    ['an empty window', daily, daily, { ...window, startOffset: 1 }, 'is empty'],
    ['the same of a whole', daily, undefined, same, 'has no partitions'],
    ['a whole from the same', undefined, daily, same, 'only the mapping "all"'],
  ])('of %s', (_, own, other, mapping, problem) => {
    const need = asset('need', [], other ? { partitions: other } : {})
    const user = asset('user', ['need'], {
      ...(own ? { partitions: own } : {}),
      ...(mapping ? { mappings: { need: mapping } } : {}),
    })
    const found = mappingProblem(user, need)
    if (problem === null) expect(found).toBeNull()
    else expect(found).toMatch(problem)
  })
})

describe('the plan of a backfill', () => {
  const assets = fc
    .array(
      fc.record({
        needs: fc.array(fc.nat(), { maxLength: 3 }),
        parted: fc.boolean(),
        made: fc.array(fc.boolean(), { minLength: 4, maxLength: 4 }),
      }),
      { minLength: 1, maxLength: 8 },
    )
    .map(rows => {
      const keys = ['a', 'b', 'c', 'd']
      const project = Project.of(
        ...rows.map(({ needs, parted }, at) =>
          asset(`x${at}`, at === 0 ? [] : [...new Set(needs.map(each => `x${each % at}`))], {
            ...(parted ? { partitions: { type: 'static' as const, keys } } : {}),
          }),
        ),
      )
      for (const [at, { parted, made }] of rows.entries()) {
        for (const [i, key] of (parted ? keys : ['']).entries()) {
          if (made[i] && project.graph().inputs(`x${at}`, key).missing.length === 0)
            project.make(`x${at}`, key)
        }
      }
      return project
    })

  it('makes everything that is asked for fresh, each once and after what it needs', () => {
    fc.assert(
      fc.property(assets, fc.boolean(), fc.nat(), (project, changed, at) => {
        const names = [...project.definitions.keys()]
        if (changed) project.code.set(names[at % names.length]!, 'code2')
        const goal = names.at(-1)!
        const { items, problems } = project.plan([goal], { type: 'stale' })
        expect(problems).toEqual([])
        for (const [position, { asset: name, partition, needs }] of items.entries()) {
          for (const need of needs) expect(need).toBeLessThan(position)
          // As a worker does: what is fresh when its turn comes is not made again.
          expect(project.graph().inputs(name, partition).missing).toEqual([])
          if (!project.graph().isSame(name, partition)) project.make(name, partition)
        }
        expect(new Set(items.map(each => `${each.asset}/${each.partition}`)).size).toBe(items.length)
        const graph = project.graph()
        for (const key of graph.keysOf(goal)) expect(graph.state(goal, key)).toMatchObject({ state: 'fresh' })
        expect(project.plan([goal], { type: 'stale' }).items).toEqual([])
      }),
    )
  })

  it('without what is needed says what was never made', () => {
    const project = Project.of(asset('a', []), asset('b', ['a']))
    expect(project.plan(['b'], { type: 'all' }, 'none').problems).toEqual([
      { at: 'upstream', message: expect.stringContaining('b needs a, which was never made') },
    ])
    project.make('a')
    expect(project.plan(['b'], { type: 'all' }, 'none')).toEqual({
      items: [{ asset: 'b', partition: '', needs: [] }],
      problems: [],
    })
    expect(project.plan(['b'], { type: 'all' }, 'all').items).toHaveLength(2)
  })

  it('says all that is wrong with what is asked for', () => {
    const project = Project.of(source('raw'), asset('days', ['raw'], { partitions: daily }))
    const { problems } = project.plan(['raw', 'dayz', 'days'], {
      type: 'keys',
      keys: ['2026-01-01', '2027-01-01'],
    })
    expect(problems).toEqual([
      { at: 'assets[0]', message: expect.stringContaining('observed, not made') },
      { at: 'assets[1]', message: expect.stringContaining('Did you mean "days"?') },
      { at: 'partitions.keys[1]', message: expect.stringContaining('go from "2026-01-01" to "2026-01-31"') },
    ])
    const range = { type: 'range', from: '2026-01-09', to: '2026-01-02' } as const
    expect(project.plan(['days'], range).problems).toMatchObject([{ at: 'partitions.to' }])
    const many = Project.of(
      asset('many', [], {
        partitions: { type: 'time', unit: 'hour', start: '2024-01-01', timeZone: 'UTC' },
      }),
    )
    expect(many.plan(['many']).problems).toEqual([
      { at: 'partitions', message: expect.stringContaining('more than 10000') },
    ])
  })
})
