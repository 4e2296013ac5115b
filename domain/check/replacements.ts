import { joinSegments, segmentRange, sharedRange } from '../predictions/segment-ranges.js'
import type { CheckProblem, StackFacts } from './facts.js'
import type { PredictionFileFacts } from './serving-facts.js'

/**
 * Files that were merged against those that hold their rows now: each leads to one, which has what its
 * sources have together, and of the files that are read no two have a segment in common. Datasets that
 * name a file as a parent name one of these.
 */
export function checkReplacements(facts: StackFacts): CheckProblem[] {
  const { predictionFiles } = facts
  const files = new Map(predictionFiles.map(file => [file.id, file]))
  const sourcesOf = new Map<string, PredictionFileFacts[]>()
  for (const file of predictionFiles) {
    if (file.replacedBy === null) continue
    const known = sourcesOf.get(file.replacedBy)
    if (known) known.push(file)
    else sourcesOf.set(file.replacedBy, [file])
  }
  return [
    ...[...sourcesOf]
      .filter(([id]) => !files.has(id))
      .map(([id, [first]]) => broken(first!, `It was replaced by file ${id}, which is not there`)),
    ...predictionFiles
      .filter(file => file.sources > 1 || sourcesOf.has(file.id))
      .flatMap(file => ofMerged(file, sourcesOf.get(file.id) ?? [])),
    ...ofLive(predictionFiles),
    ...ofParents(facts),
  ]
}

function ofMerged(merged: PredictionFileFacts, sources: readonly PredictionFileFacts[]): CheckProblem[] {
  const sum = (valueOf: (file: PredictionFileFacts) => number) =>
    sources.reduce((total, file) => total + valueOf(file), 0)
  if (sources.some(({ deploymentId }) => deploymentId !== merged.deploymentId)) {
    return [broken(merged, 'It replaces files of another deployment')]
  }
  const [rows, ingested] = [sum(file => file.rows), sum(file => file.sources)]
  if (rows !== merged.rows || ingested !== merged.sources) {
    const says = `${merged.rows} rows of ${merged.sources} ingested files`
    return [broken(merged, `It has ${says}, but the files that it replaces had ${rows} of ${ingested}`)]
  }
  const segments = joinSegments(sources.flatMap(file => file.segments))
  if (segments.join(' ') === merged.segments.join(' ')) return []
  return [broken(merged, 'It names other segments than the files that it replaces')]
}

function ofLive(files: readonly PredictionFileFacts[]): CheckProblem[] {
  const deployments = new Map<string, PredictionFileFacts[]>()
  for (const file of files) {
    if (file.replacedBy !== null) continue
    const known = deployments.get(file.deploymentId)
    if (known) known.push(file)
    else deployments.set(file.deploymentId, [file])
  }
  // Ingested twice is for `countBatches` to say: here it is about a file that is read beside its sources.
  return [...deployments.values()]
    .filter(live => live.some(({ sources }) => sources > 1))
    .flatMap(live => {
      const shared = sharedRange(live.flatMap(({ segments }) => segments.map(segmentRange)))
      if (shared === undefined) return []
      const { replica, first } = shared
      const at = `segment ${replica}/${first}`
      const message =
        'Two prediction files that are both read were made of it. Report this; readers count an id once all the same.'
      return [{ code: 'segment_repeated' as const, at, message }]
    })
}

/** Versions have roots as parents, which are hashes, and files by their uris. */
function ofParents({ datasetVersions, datasets, predictionFiles }: StackFacts): CheckProblem[] {
  const uris = new Set(predictionFiles.map(({ uri }) => uri))
  return datasetVersions.flatMap(({ datasetId, version, parents }): CheckProblem[] => {
    const unknown = parents.filter(parent => parent.includes('/') && !uris.has(parent))
    if (unknown.length === 0) return []
    const name = datasets.find(({ id }) => id === datasetId)?.name ?? datasetId
    const message = `It was made of ${unknown.length} prediction files that the catalogue does not know, such as ${unknown[0]!}. Rows were deleted by hand: restore a backup.`
    return [{ code: 'replacement_broken', at: `dataset ${name} version ${version}`, message }]
  })
}

function broken({ uri }: PredictionFileFacts, what: string): CheckProblem {
  const message = `${what}. Predictions were lost or counted twice: restore a backup, and report this.`
  return { code: 'replacement_broken', at: `file ${uri}`, message }
}
