import type { ColumnDrift } from '../domain/drift/columns.js'
import type { WindowFacts, WindowReport } from '../domain/drift/window-report.js'
import type { PredictionSource } from '../stores/duckdb/predictions.js'
import { withWindows } from '../stores/duckdb/predictions-window.js'
import { withAssessment } from './assessment.js'
import { withReference } from './drift-reference.js'
import type { Ports } from './ports.js'

/**
 * Errors of a window, and every column against its reference. Of the rows only what their errors need is in
 * memory as a whole; features come and go one after the other.
 */
export async function assessedReport(
  ports: Pick<Ports, 'models' | 'objects'>,
  { project, facts, source }: { project: string; facts: WindowFacts; source: PredictionSource },
  at: { directory: string; signal: AbortSignal },
): Promise<WindowReport> {
  const { policy, window } = facts
  const options = { temporaryDirectory: at.directory, signal: at.signal }
  return withWindows(source, options, windowOf =>
    withAssessment(at.signal, async assess => {
      const rows = windowOf(window)
      const { quartilesOf } = policy
      const shown = quartilesOf !== undefined && rows.has(quartilesOf) ? [quartilesOf] : []
      const { features, ...values } = await rows.ordered(shown)
      const question = { project, facts, versions: values.versions, windowOf }
      return withReference(ports, question, at, async reference => {
        const compared: Promise<ColumnDrift>[] = []
        for (const column of policy.columns) {
          const isTested = column.role !== 'time'
          const current = isTested ? await rows.column(column) : null
          const before = isTested ? await reference.column(column) : null
          // One column is read while another is compared; there are no more in memory.
          await compared.at(-1)
          compared.push(assess('compareColumn', [column, current, before]))
        }
        const columns = await Promise.all(compared)
        const all = { ...values, quartilesOf: features[0] ?? null }
        return assess('reportWindow', [facts, all, reference.facts, columns])
      })
    }),
  )
}
