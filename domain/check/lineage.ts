import { nodeId } from '../lineage/nodes.js'
import type { CheckProblem, StackFacts } from './facts.js'

/** An edge of lineage, as a check reads it. */
export interface LineageFacts {
  readonly runId: string
  readonly relation: 'read' | 'wrote'
  readonly node: string
}

/**
 * Lineage says what rows say: each version has the edge of the run that has made it, each model and transformation that
 * of the data it was made from. Of a run whose row is gone, with a database that was made anew from the objects, nothing is expected.
 */
export function checkLineage(facts: StackFacts): CheckProblem[] {
  const runs = new Set(facts.runs.map(({ id }) => id))
  const edges = new Set(facts.lineage.map(({ runId, relation, node }) => `${runId} ${relation} ${node}`))
  const names = new Map(
    [...facts.datasets, ...facts.models, ...facts.transformations].map(({ id, name }) => [id, name]),
  )
  const problems: CheckProblem[] = []
  const expectEdge = (runId: string, relation: LineageFacts['relation'], node: string) => {
    if (!runs.has(runId) || edges.has(`${runId} ${relation} ${node}`)) return
    const message = `Run ${runId} has ${relation === 'read' ? 'read' : 'written'} it, and its lineage does not say so. Restore a backup.`
    problems.push({ code: 'lineage_missing', at: node, message })
  }
  for (const { datasetId, version, runId } of facts.datasetVersions) {
    expectEdge(runId, 'wrote', nodeId({ kind: 'dataset', name: names.get(datasetId)!, version }))
  }
  for (const { modelId, version, runId, lineage } of facts.modelVersions) {
    expectEdge(runId, 'wrote', nodeId({ kind: 'model', name: names.get(modelId)!, version }))
    const { dataset } = (lineage ?? {}) as { dataset?: { name: string; version: number } | null }
    if (dataset) expectEdge(runId, 'read', nodeId({ kind: 'dataset', ...dataset }))
  }
  for (const { transformationId, version, runId, dataset } of facts.transformationVersions) {
    expectEdge(
      runId,
      'wrote',
      nodeId({ kind: 'transformation', name: names.get(transformationId)!, version }),
    )
    if (dataset) expectEdge(runId, 'read', nodeId({ kind: 'dataset', ...dataset }))
  }
  return problems
}
