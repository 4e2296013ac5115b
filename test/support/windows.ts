import type { DataSource } from 'typeorm'
import type { WindowAssessment } from '../../domain/drift/assessments.js'
import { DEFAULT_BREACH_POLICY } from '../../domain/drift/breach.js'
import type { MonitoringPolicy } from '../../domain/drift/monitoring-policy.js'
import { DEFAULT_WINDOW_POLICY } from '../../domain/drift/window-state.js'
import { uuidv7 } from '../../stores/ids.js'
import { DriftStore } from '../../stores/postgres/drift-store.js'
import { DeploymentStore } from '../../stores/postgres/deployment-store.js'
import { IncidentStore } from '../../stores/postgres/incident-store.js'

/** Calendar months; two breaches in a row open an incident. */
export const MONTHLY: MonitoringPolicy = {
  ...DEFAULT_WINDOW_POLICY,
  window: { every: 'month' },
  breach: DEFAULT_BREACH_POLICY,
  breachesInARow: 2,
  reference: { kind: 'sameSeason' },
  columns: [],
}

const NO_REPORT = { uri: 'default/sha256/00/none', sha256: '0'.repeat(64), bytes: 0 }
const NO_RETRIES = { codes: [], maxAttempts: 1, delaySeconds: 1 }

/**
 * Records what was found of a window as a drift check does, with the incident that it gives ground for.
 * @returns the incident's id where it was opened now
 */
export async function recordWindow(
  dataSource: DataSource,
  deployment: { readonly project: string; readonly name: string },
  { window, state, breached, labelled, versions }: WindowAssessment,
): Promise<string | null> {
  const drift = new DriftStore(dataSource)
  const incidents = new IncidentStore(dataSource)
  const row = await new DeploymentStore(dataSource).get(deployment.project, deployment.name)
  return dataSource.transaction(async transaction => {
    await drift.record(transaction, {
      deploymentId: row.id,
      windowId: window.id,
      startsAt: new Date(window.start),
      endsAt: new Date(window.end),
      state,
      reason: `${labelled} of ${labelled} rows are labelled`,
      breached,
      rows: labelled,
      labelled,
      dropped: 0,
      versions: versions.map(version => ({ version, share: 1 / versions.length })),
      metrics: {
        rmse: breached ? 137 : 73,
        mae: breached ? 98 : 49,
        wape: breached ? 0.45 : 0.24,
        relativeBias: breached ? 0.38 : 0.06,
        r2: breached ? 0.4 : 0.85,
      },
      checks: [],
      reference: { kind: 'sameSeason' } as never,
      report: { json: NO_REPORT, html: NO_REPORT },
      fingerprint: uuidv7(),
      asOf: await drift.inputs(row.id),
      runId: uuidv7(),
      effectKey: uuidv7(),
    })
    const assessments = await drift.assessments(row.id, transaction)
    return incidents.openIfDue(transaction, row, assessments, NO_RETRIES)
  })
}
