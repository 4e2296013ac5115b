import { proxyActivities } from '@temporalio/workflow'
import type { DriftActivities } from '../activities/drift.js'
import type { RunInput } from '../contracts/temporal/messages.js'
import type { CheckDriftResult, DriftLive } from '../contracts/temporal/monitoring.js'
import { dataWork } from './activity-presets.js'
import { asRun } from './run-shell.js'

/** Rows and labels of a window -> errors and drift -> a report -> the window's next revision. */
export async function checkDrift(input: RunInput): Promise<CheckDriftResult> {
  const { collectWindow, assessWindow, writeReport, recordWindow } = proxyActivities<DriftActivities>(
    dataWork(input.limits),
  )

  return asRun<DriftLive, CheckDriftResult>(input, { stage: 'collect' }, async run => {
    const { window, state, rows, labelled } = await collectWindow(input)
    run.show('window', `${window} (${state.replaceAll('_', ' ')})`)
    run.show('rows', `${rows}, ${labelled} labelled`)

    run.stage('assess', { window, state })
    const { breached, findings } = await assessWindow(input)
    for (const [index, finding] of findings.entries()) run.show(`finding ${index + 1}`, finding)

    run.stage('report', { breached })
    await writeReport(input)

    run.stage('record')
    const { revision, outcome } = await recordWindow(input)
    run.show('revision', outcome === 'recorded' ? String(revision) : `${revision} (${outcome})`)
    return { outcome: 'succeeded', window, revision, breached }
  })
}
