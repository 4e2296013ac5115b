import type { StackFacts } from './facts.js'
import { latestWindows } from './monitoring.js'

/** What serves, what it has answered, and how that turned out, deployment by deployment. */
export function reportDeployments(facts: StackFacts) {
  return facts.deployments.map(({ id, project, name, model }) => {
    const own = <T extends { readonly deploymentId: string }>(items: readonly T[]) =>
      items.filter(item => item.deploymentId === id)
    const newest = own(facts.plans).at(-1)
    const files = own(facts.predictionFiles).filter(({ replacedBy }) => replacedBy === null)
    const labels = own(facts.labels)[0]
    return {
      project,
      name,
      model,
      revision: newest?.revision ?? 0,
      arms: newest?.plan.arms ?? [],
      predictions: {
        files: files.length,
        rows: files.reduce((sum, { rows }) => sum + rows, 0),
        /** Distinct ids by version and role; null where the files were not read. */
        ids: own(facts.logged)[0]?.ids ?? null,
      },
      labels: labels?.labels ?? 0,
      corrections: labels?.corrections ?? 0,
      held: labels?.held ?? 0,
      unknown: labels?.unknown ?? 0,
      windows: latestWindows(own(facts.driftWindows)).map(
        ({ windowId: window, revision, state, rows, labelled, breached }) => ({
          window,
          revision,
          state,
          rows,
          labelled,
          breached,
        }),
      ),
      incidents: own(facts.incidents).map(({ id: incident, signal, status, events, retrainings }) => ({
        id: incident,
        signal,
        status,
        events,
        retrainings,
      })),
    }
  })
}
