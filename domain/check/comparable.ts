import type { Json } from '../canonical-json.js'
import type { RunKind } from '../names.js'
import type { CheckProblem, StackFacts } from './facts.js'
import type { EffectCount } from './effects.js'
import { comparableDeployments } from './comparable-deployments.js'
import { distinct, ordered } from './ordered.js'
import { hasPassed } from './versions.js'

/**
 * What two stacks that did the same work have in common, whatever was killed on the way: no ids, no
 * times, no attempts, no checkpoints, no bytes that an engine may lay out otherwise (Parquet), in an
 * order of its own. To be compared as it is. Versions are numbered in the order of their commits, so
 * work on one name that runs at once is the one thing that two undisturbed runs may do differently.
 */
export function comparableState(
  facts: StackFacts,
  effects: readonly EffectCount[],
  problems: readonly CheckProblem[],
) {
  const stepsOf = new Map<string, string[]>()
  for (const { runId, step, generation } of facts.ledger) {
    stepsOf.set(runId, [...(stepsOf.get(runId) ?? []), `${step}/g${generation}`])
  }
  return {
    datasets: ordered(
      facts.datasets.map(({ id, project, name }) => ({
        project,
        name,
        versions: facts.datasetVersions
          .filter(version => version.datasetId === id)
          .sort((a, b) => a.version - b.version)
          .map(({ version, branch, root, rows, parents, raw, retiredAt }) => ({
            version,
            branch,
            isRetired: retiredAt !== null,
            root,
            rows: rows === null ? null : Number(rows),
            // Versions by their roots; which files the prediction log was cut into is chance.
            parents: parents.filter(parent => !parent.includes('/')),
            raw: raw?.sha256 ?? null,
          })),
        refs: ordered(
          facts.dataRefs
            .filter(({ datasetId, version }) => datasetId === id && version !== null)
            .map(({ kind, name: ref, version }) => ({ kind, name: ref, version })),
        ),
      })),
    ),
    transformations: ordered(
      facts.transformations.map(({ id, project, name }) => ({
        project,
        name,
        versions: facts.transformationVersions
          .filter(version => version.transformationId === id)
          .sort((a, b) => a.version - b.version)
          .map(({ version, sha256, dataset }) => ({ version, sha256, dataset })),
      })),
    ),
    models: ordered(
      facts.models.map(({ id, project, name }) => ({
        project,
        name,
        versions: facts.modelVersions
          .filter(version => version.modelId === id)
          .sort((a, b) => a.version - b.version)
          .map(({ version, engine, sha256, artifacts, gate, lineage }) => ({
            version,
            engine,
            sha256,
            onnxSha256: artifacts['model.onnx']?.sha256 ?? null,
            gatePassed: hasPassed(gate),
            dataset: (lineage as { dataset?: Json } | null)?.dataset ?? null,
          })),
        aliases: ordered(
          facts.aliases.filter(row => row.modelId === id).map(({ alias, version }) => ({ alias, version })),
        ),
        aliasChanges: ordered(
          facts.aliasChanges
            .filter(change => change.modelId === id)
            .map(({ alias, fromVersion, toVersion, principal, reason }) => ({
              alias,
              fromVersion,
              toVersion,
              principal: withoutIds(principal),
              reason: withoutIds(reason),
            })),
        ),
      })),
    ),
    deployments: comparableDeployments(facts),
    schedules: ordered(
      facts.schedules.map(({ project, name, kind, training, deployment, timing, paused }) => ({
        project,
        name,
        kind,
        training: training as Json,
        deployment,
        timing: timing as Json,
        paused,
      })),
    ),
    // A client that never got its answer sends the file again: the same content is one upload.
    uploads: distinct(
      facts.uploads.map(({ project, sha256, rows }) => ({
        project,
        sha256,
        rows: rows === null ? null : Number(rows),
      })),
    ),
    effects: comparableWork(
      effects.map(({ project, kind, name, step, generation, rows }) => ({
        project,
        kind,
        name,
        step,
        generation,
        rows,
      })),
    ),
    runs: comparableWork(
      facts.runs.map(({ id, project, kind, name, status, generation, error, trigger }) => ({
        project,
        kind,
        name,
        status,
        generation,
        trigger,
        error: error?.code ?? null,
        steps: (stepsOf.get(id) ?? []).sort(),
      })),
    ),
    problems: ordered(problems.map(({ code }) => ({ code }))),
  }
}

export type ComparableState = ReturnType<typeof comparableState>

/** A rollout and an incident say which one they are where they move an alias. */
function withoutIds(text: string): string {
  return text.replaceAll(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, '<id>')
}

/** How often a window was looked at follows from when its rows and labels came: equal checks are one. */
function comparableWork<T extends { readonly kind: RunKind }>(items: readonly T[]): T[] {
  const isCheck = ({ kind }: T) => kind === 'drift'
  return ordered([...items.filter(item => !isCheck(item)), ...distinct(items.filter(isCheck))])
}
