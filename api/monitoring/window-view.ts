import type { ColumnDrift, DriftWindow, WindowSummary } from '../../contracts/rest/monitoring.js'
import type { WindowReport } from '../../domain/drift/window-report.js'
import type { DriftWindow as WindowRow } from '../../stores/postgres/entities/drift.js'

export function windowSummary(deployment: string, row: WindowRow): WindowSummary {
  const path = `/v1/deployments/${deployment}/windows/${encodeURIComponent(row.windowId)}`
  const revision = `?revision=${row.revision}`
  return {
    id: row.windowId,
    start: row.startsAt.toISOString(),
    end: row.endsAt.toISOString(),
    revision: row.revision,
    state: row.state,
    reason: row.reason,
    breached: row.breached,
    rows: row.rows,
    labelled: row.labelled,
    dropped: row.dropped,
    versions: row.versions.map(each => ({ ...each })),
    metrics: row.metrics && { ...row.metrics },
    checks: row.checks.map(check => ({ ...check })),
    runId: row.runId,
    createdAt: row.createdAt.toISOString(),
    links: {
      self: path + revision,
      report: `${path}/report${revision}`,
      json: `${path}/report.json${revision}`,
      run: `/v1/operations/${row.runId}`,
    },
  }
}

export function windowView(deployment: string, row: WindowRow, report: WindowReport): DriftWindow {
  const { columns, quartiles, gaps } = report
  return {
    ...windowSummary(deployment, row),
    reference: row.reference.text,
    columns: columns.map(column => ({ ...column })) as ColumnDrift[],
    quartiles: quartiles && {
      column: quartiles.column,
      groups: quartiles.groups.map(({ values, ...group }) => ({ ...group, values: values && { ...values } })),
    },
    gaps: gaps.map(({ from, to, dropped }) => ({
      from: new Date(from).toISOString(),
      to: new Date(to).toISOString(),
      dropped,
    })),
    fingerprint: row.fingerprint,
  }
}
