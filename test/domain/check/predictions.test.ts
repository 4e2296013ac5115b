import { describe, expect, it } from '@jest/globals'
import type { CheckCode, StackFacts } from '../../../domain/check/facts.js'
import { referencedObjects, replacedObjects } from '../../../domain/check/references.js'
import type { LabelFacts, PredictionFileFacts } from '../../../domain/check/serving-facts.js'
import { ago, codes, content, labels, predictionFile as file, segment, served } from './support.js'

const well = served()
const log = (
  segments: StackFacts['segments'],
  predictionFiles: StackFacts['predictionFiles'] = well.predictionFiles,
): StackFacts => ({ ...well, segments, predictionFiles })
const [one, two] = well.segments as [ReturnType<typeof segment>, ReturnType<typeof segment>]
const waiting = { ingestedAt: null } as const

describe('segments', () => {
  it.each<[string, CheckCode[], StackFacts]>([
    ['in order', [], well],
    ['that begin late, as under a new name', [], log([segment(7)], [file([7], 10)])],
    ['with a gap', ['segment_gap'], log([one, two, segment(4)], [file([1, 2], 20), file([4], 10)])],
    ['of two replicas', [], log([one, segment(5, { replica: 'other' })], [file([1], 10), file([], 10, { segments: ['other/5'] })])], // prettier-ignore
    ['that wait for a moment', [], log([one, segment(2, { ...waiting, dueAt: ago(60) })], [file([1], 10)])],
    ['that wait for too long', ['ingest_overdue'], log([one, segment(2, { ...waiting, dueAt: ago(61) })], [file([1], 10)])], // prettier-ignore
    ['that were tried again and again', ['ingest_overdue'], log([one, segment(2, { ...waiting, tries: 8, dueAt: ago(-30) })], [file([1], 10)])], // prettier-ignore
    ['that were long alone, and have just come', [], log([one, segment(2, { ...waiting, sealedAt: ago(9000), dueAt: ago(2) })], [file([1], 10)])], // prettier-ignore
    ['that were refused', ['segment_refused'], log([one, segment(2, { ...waiting, problem: 'It is corrupt.' })], [file([1], 10)])], // prettier-ignore
  ])('%s: %j', (_, expected, facts) => {
    expect(codes(facts)).toEqual(expected)
  })

  it('are needed also after they were ingested, but not where they were given up', () => {
    const given = (problem: string | null) => {
      const facts = log([segment(1, { uri: content('9').uri, problem })], [])
      return referencedObjects(facts).some(({ uri }) => uri === content('9').uri)
    }
    expect([given(null), given('It is corrupt.')]).toEqual([true, false])
    expect(referencedObjects(well).map(({ uri }) => uri)).toContain(well.predictionFiles[0]!.uri)
  })
})

describe('rows made of segments', () => {
  it.each<[string, CheckCode[], StackFacts]>([
    ['are their records', [], log([one, two], [file([1], 10), file([2], 10)])],
    ['are their records, of all deployments', [], log([one, two], [file([1, 2], 12), file([1, 2], 8, { deploymentId: 'taxi' })])], // prettier-ignore
    ['fewer than records', ['predictions_miscounted'], log([one, two], [file([1, 2], 19)])],
    ['more than records', ['predictions_miscounted'], log([one, two], [file([1, 2], 21)])],
    ['none, though there are records', ['predictions_miscounted'], log([one, two], [file([1], 10)])],
    ['without what was sealed a second time', [], log([one, segment(2, { firstSequence: 8, lastSequence: 17 })], [file([1, 2], 17)])], // prettier-ignore
    ['with what was sealed a second time', ['predictions_miscounted'], log([one, segment(2, { firstSequence: 8, lastSequence: 17 })], [file([1, 2], 20)])], // prettier-ignore
    ['none of a segment in which nothing is new', [], log([one, segment(2, { records: 5, firstSequence: 2, lastSequence: 6 })], [file([1], 10)])], // prettier-ignore
    ['of the segment that came first to be ingested', [], log([segment(1, { ingestedAt: ago(5) }), segment(2, { firstSequence: 8, lastSequence: 17 })], [file([2], 10), file([1], 7)])], // prettier-ignore
    ['as many as can be, where records were dropped', [], log([one, segment(2, { firstSequence: 6, lastSequence: 30 })], [file([1, 2], 16)])], // prettier-ignore
    ['fewer than can be, where records were dropped', ['predictions_miscounted'], log([one, segment(2, { firstSequence: 6, lastSequence: 30 })], [file([1, 2], 14)])], // prettier-ignore
    ['none of gaps alone', [], log([one, segment(2, { records: 0, firstSequence: 0, lastSequence: 0 })], [file([1], 10), file([2], 0)])], // prettier-ignore
    ['of a segment twice', ['segment_repeated'], log([one, two], [file([1, 2], 20), file([2], 10)])],
    ['of a segment twice for one deployment', ['segment_repeated'], log([one, two], [file([1, 2], 10), file([1, 2], 10)])], // prettier-ignore
    ['of a segment that is not ingested', ['segment_not_ingested'], log([one, segment(2, { ...waiting, dueAt: ago(1) })])], // prettier-ignore
    ['of segments that were cleared away', [], log([segment(3)], [file([1, 2], 20), file([3], 10)])],
  ])('%s: %j', (_, expected, facts) => {
    expect(codes(facts)).toEqual(expected)
  })

  it('are read where their files are, no number may be there twice, and labels say what is there', () => {
    const read = (repeated: number, mismatched: number) =>
      codes({ ...well, logged: [{ deploymentId: 'bike', repeated, mismatched, ids: [] }] })
    expect([read(0, 0), read(3, 0), read(0, 2)]).toEqual([[], ['prediction_repeated'], ['label_mismatched']])
  })
})

describe('files that were merged', () => {
  const merged = (more: Partial<PredictionFileFacts> = {}) =>
    file([], 20, { id: 'merged', segments: ['replica/1-2'], sources: 2, uri: content('a').uri, ...more })
  const replaced = { replacedBy: 'merged' } as const
  const [first, second] = [file([1], 10, replaced), file([2], 10, replaced)]
  const gone = { deletedAt: ago(1), uri: content('9').uri } as const

  it.each<[string, CheckCode[], StackFacts['predictionFiles']]>([
    ['have what their sources had', [], [first, second, merged()]],
    ['whose sources are gone', [], [{ ...first, ...gone }, { ...second, ...gone }, merged()]],
    ['again', [], [first, second, merged({ replacedBy: 'next' }), file([3], 10, { replacedBy: 'next' }), merged({ id: 'next', rows: 30, sources: 3, segments: ['replica/1-3'] })]], // prettier-ignore
    ['with fewer rows', ['replacement_broken'], [first, second, merged({ rows: 19 })]],
    [
      'without one that they count',
      ['replacement_broken', 'segment_repeated'],
      [first, file([2], 10), merged()],
    ],
    ['of other segments', ['replacement_broken'], [first, second, merged({ segments: ['replica/1'] })]],
    ['of another deployment', ['replacement_broken'], [first, second, merged({ deploymentId: 'taxi' })]],
    ['into a file that is not there', ['replacement_broken'], [first, second]],
    [
      'and are read beside others of the same segment',
      ['segment_repeated'],
      [first, second, merged(), file([2], 0)],
    ],
  ])('%s: %j', (name, expected, files) => {
    const segments = name === 'again' ? [one, two, segment(3)] : [one, two]
    expect([...new Set(codes(log(segments, files)))]).toEqual(expected)
  })

  it('need no objects, which stay for a while', () => {
    const facts = log([one, two], [{ ...first, uri: content('9').uri }, { ...second, ...gone }, merged()])
    expect(referencedObjects(facts).map(({ uri }) => uri)).not.toContain(content('9').uri)
    expect(replacedObjects(facts)).toEqual([content('9').uri])
    expect(replacedObjects(log([one], [file([1], 10)]))).toEqual([])
  })

  it('are still known as parents of datasets', () => {
    const version = {
      ...{
        datasetId: 'd',
        version: 1,
        branch: 'main',
        root: 'r',
        rows: '1',
        runId: 'x',
        effectKey: 'x/commit/g1',
      },
      ...{ commit: null, retiredAt: null, purge: null, quarantine: null },
    }
    const made = (uri: string): StackFacts => ({
      ...log([one, two], [{ ...first, ...gone }, second, merged()]),
      datasetVersions: [{ ...version, parents: ['root', uri], raw: content('a'), parquet: content('a') }],
    })
    expect(codes(made(gone.uri))).not.toContain('replacement_broken')
    expect(codes(made(content('8').uri))).toContain('replacement_broken')
  })
})

describe('labels', () => {
  it.each<[Partial<LabelFacts>, CheckCode[]]>([
    [{}, []],
    [{ misnumbered: 1 }, ['label_gap']],
    [{ repeated: 2 }, ['label_repeated']],
    [{ mismarked: 3 }, ['label_mismarked']],
  ])('%j: %j', (more, expected) => {
    expect(codes({ ...well, labels: [labels(more)] })).toEqual(expected)
  })
})
