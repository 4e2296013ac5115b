import { checkAssets } from './assets.js'
import { comparableState } from './comparable.js'
import { checkData } from './data.js'
import { checkEffects } from './effects.js'
import type { StackFacts } from './facts.js'
import { checkLineage } from './lineage.js'
import { checkMonitoring } from './monitoring.js'
import { checkPipelines } from './pipelines.js'
import { checkPools } from './pools.js'
import { checkPredictions } from './predictions.js'
import { reportDeployments } from './report-deployments.js'
import { checkRollouts } from './rollouts.js'
import { checkRuns } from './runs.js'
import { checkSensors } from './sensors.js'
import { checkTraffic } from './traffic.js'
import { checkObjects, checkVersions, hasPassed } from './versions.js'

/** A part that did not answer: what is said of it in the report is nothing, not "well". */
export interface Unreachable {
  readonly part: 'postgres' | 'temporal' | 'objects'
  readonly message: string
}

/**
 * The state of a stack and everything that is wrong with it.
 * `ok` is true only where all parts were reached and nothing is wrong.
 */
export function buildReport(facts: StackFacts, unreachable: readonly Unreachable[] = []) {
  const { effects, problems: ofEffects } = checkEffects(facts)
  const checks = [
    checkVersions,
    checkRuns,
    checkObjects,
    checkTraffic,
    checkRollouts,
    checkPredictions,
    checkMonitoring,
    checkPipelines,
    checkPools,
    checkSensors,
    checkAssets,
    checkData,
    checkLineage,
  ]
  const problems = [...ofEffects, ...checks.flatMap(check => check(facts))].sort((a, b) =>
    `${a.code} ${a.at}` < `${b.code} ${b.at}` ? -1 : 1,
  )
  const objects = [...facts.objects.values()]
  return {
    ok: problems.length === 0 && unreachable.length === 0,
    problems,
    unreachable,
    datasets: facts.datasets.map(({ id, project, name }) => ({
      project,
      name,
      versions: facts.datasetVersions
        .filter(version => version.datasetId === id)
        .sort((a, b) => a.version - b.version)
        .map(({ version, root, rows, runId }) => ({ version, root, rows: Number(rows), runId })),
    })),
    models: facts.models.map(({ id, project, name }) => ({
      project,
      name,
      versions: facts.modelVersions
        .filter(version => version.modelId === id)
        .sort((a, b) => a.version - b.version)
        .map(({ version, sha256, artifacts, gate, runId }) => ({
          version,
          sha256,
          onnxSha256: artifacts['model.onnx']?.sha256 ?? null,
          gatePassed: hasPassed(gate),
          runId,
        })),
      aliases: Object.fromEntries(
        facts.aliases.filter(row => row.modelId === id).map(({ alias, version }) => [alias, version]),
      ),
    })),
    deployments: reportDeployments(facts),
    effects,
    runs: facts.runs.map(({ id, project, kind, name, status, attempt, workflowId }) => ({
      id,
      project,
      kind,
      name,
      status,
      attempt,
      workflowId,
      workflow: facts.workflows.get(workflowId) ?? null,
    })),
    objects: {
      referenced: objects.length,
      bytes: objects.reduce((sum, { bytes }) => sum + (bytes ?? 0), 0),
    },
    startsOwed: facts.owed.length,
    comparable: comparableState(facts, effects, problems),
  }
}

export type CheckReport = ReturnType<typeof buildReport>
