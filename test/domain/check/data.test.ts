import { describe, expect, it } from '@jest/globals'
import { referencedObjects } from '../../../domain/check/references.js'
import type { StackFacts } from '../../../domain/check/facts.js'
import { buildReport } from '../../../domain/check/report.js'
import { codes, content, dataVersion as version, stack } from './support.js'

const main = {
  datasetId: 'd',
  kind: 'branch',
  name: 'main',
  version: 1,
  record: 'default/refs/aa/x',
} as const
const suite = { what: 'the current suite', record: 'default/definitions/aa/x' }
const pack = { uri: 'default/packs/aa/x', bytes: 9 }

function facts(more: Partial<StackFacts> = {}): StackFacts {
  return {
    ...stack('1'),
    datasets: [{ id: 'd', project: 'default', name: 'files' }],
    datasetVersions: [version],
    dataPacks: [pack],
    dataRefs: [main],
    definitions: [suite],
    ...more,
  }
}

describe('a check of data', () => {
  it('needs packs, commits, and what says where branches are and what suites say', () => {
    const uris = referencedObjects(facts()).map(({ uri }) => uri)
    const commit = `default/commits/ab/${version.commit}`
    expect(uris).toEqual(expect.arrayContaining([pack.uri, commit, main.record, suite.record]))
    const gone = new Map([[pack.uri, { bytes: null }]])
    expect(codes(facts({ objects: gone }))).toContain('object_missing')
    expect(codes(facts({ objects: new Map([[pack.uri, { bytes: 8 }]]) }))).toContain('object_size')
  })

  it('does not need what was erased, although it is still named', () => {
    const { uri } = content('a')
    const erased = { ...version, retiredAt: new Date(0), purge: { erased: [uri] } }
    const uris = referencedObjects(facts({ datasetVersions: [erased] })).map(each => each.uri)
    expect(uris).not.toContain(uri)
    expect(uris).not.toContain(`default/commits/ab/${version.commit}`)
  })

  it('finds branches and tags that point at nothing', () => {
    expect(codes(facts())).not.toContain('data_ref_dangling')
    expect(codes(facts({ dataRefs: [{ ...main, version: 2 }] }))).toContain('data_ref_dangling')
    expect(codes(facts({ dataRefs: [{ ...main, version: null }] }))).not.toContain('data_ref_dangling')
    const retired = { ...version, retiredAt: new Date(0) }
    expect(codes(facts({ datasetVersions: [retired] }))).toContain('data_ref_dangling')
  })

  it('compares stacks by branches too', () => {
    const { comparable } = buildReport(facts())
    expect(comparable.datasets).toMatchObject([
      {
        versions: [{ branch: 'main', isRetired: false }],
        refs: [{ kind: 'branch', name: 'main', version: 1 }],
      },
    ])
  })
})
