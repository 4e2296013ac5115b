import { describe, expect, it } from '@jest/globals'
import type { StackFacts } from '../../../domain/check/facts.js'
import { buildReport } from '../../../domain/check/report.js'
import { codes, dataVersion, stack } from './support.js'

const well = stack('1')
const of = (more: Partial<StackFacts>) => codes({ ...well, ...more })
describe('a check of lineage', () => {
  it('finds nothing where edges say what rows say', () => {
    expect(of({})).toEqual([])
  })

  it('names a version whose run does not lead to it', () => {
    const lineage = well.lineage.filter(({ relation }) => relation === 'read')
    expect(buildReport({ ...well, lineage }).problems).toEqual([
      {
        code: 'lineage_missing',
        at: 'model:demand@1',
        message: 'Run run-1 has written it, and its lineage does not say so. Restore a backup.',
      },
    ])
    const others = well.lineage.map(edge => ({ ...edge, runId: 'another' }))
    expect(of({ lineage: others })).toEqual(['lineage_missing', 'lineage_missing'])
    const datasets = {
      datasets: [{ id: 'd', project: 'default', name: 'bikes' }],
      datasetVersions: [{ ...dataVersion, version: 3, runId: 'run-1' }],
    }
    expect(of(datasets)).toContain('lineage_missing')
    const edge = { runId: 'run-1', relation: 'wrote' as const, node: 'dataset:bikes@3' }
    expect(of({ ...datasets, lineage: [...well.lineage, edge] })).not.toContain('lineage_missing')
  })

  it('names data that a model was made from, and its run did not read', () => {
    const lineage = well.lineage.filter(({ relation }) => relation === 'wrote')
    expect(of({ lineage })).toEqual(['lineage_missing'])
  })

  it('names a transformation, and what it was fitted to, where edges do not', () => {
    const transformations = {
      transformations: [{ id: 't', project: 'default', name: 'prep' }],
      transformationVersions: [
        {
          transformationId: 't',
          version: 1,
          sha256: 'a'.repeat(64),
          state: { uri: 'default/aa', sha256: 'a'.repeat(64), bytes: 1 },
          folds: null,
          dataset: { name: 'bikes', version: 3 },
          runId: 'run-1',
          effectKey: 'run-1/fit/g1',
        },
      ],
    }
    const edges = [
      { runId: 'run-1', relation: 'wrote' as const, node: 'transformation:prep@1' },
      { runId: 'run-1', relation: 'read' as const, node: 'dataset:bikes@3' },
    ]
    const missing = (lineage: StackFacts['lineage']) =>
      of({ ...transformations, lineage }).filter(code => code === 'lineage_missing')
    expect(missing([...well.lineage, ...edges])).toEqual([])
    for (const edge of edges) expect(missing([...well.lineage, edge])).toHaveLength(1)
  })

  it('expects nothing of a run that is gone', () => {
    expect(of({ lineage: [], runs: [] })).not.toContain('lineage_missing')
  })
})
