import { join } from 'node:path'
import type { RunInput } from '../contracts/temporal/messages.js'
import type {
  AssessOutcome,
  CollectOutcome,
  DriftRequest,
  RecordOutcome,
  ReportOutcome,
} from '../contracts/temporal/monitoring.js'
import type { Json } from '../domain/canonical-json.js'
import { isWindowOf } from '../domain/drift/monitoring-policy.js'
import { reportPage } from '../domain/drift/report/page.js'
import { stateOf, windowBasis } from '../domain/drift/window-basis.js'
import type { WindowFacts, WindowReport } from '../domain/drift/window-report.js'
import { MlforgeError } from '../domain/errors.js'
import { effectKey } from '../domain/names.js'
import type { RetryPolicy } from '../domain/runs/retry-policy.js'
import { windowContents, writeLabelsWithin } from '../stores/duckdb/predictions-contents.js'
import { sha256Hex } from '../stores/ids.js'
import { assessedReport } from './drift-assess.js'
import { firstNeeded } from './drift-reference.js'
import {
  around,
  droppedIn,
  filesOf,
  gapsOf,
  localSource,
  policyOf,
  type WindowSnapshot,
} from './drift-window.js'
import { reads, writes } from '../stores/lineage-scope.js'
import { beatWhile } from './heartbeats.js'
import { json, readJson, writeFile } from './objects.js'
import type { Ports } from './ports.js'
import { withScratch } from './scratch.js'
import { onceStep, outcomeOf } from './step.js'

type DriftPorts = Pick<
  Ports,
  | 'runs'
  | 'ledger'
  | 'wakes'
  | 'models'
  | 'deployments'
  | 'predictions'
  | 'labels'
  | 'drift'
  | 'incidents'
  | 'objects'
  | 'scratch'
> & { readonly retryPolicy: RetryPolicy }

export function driftActivities(ports: DriftPorts) {
  const { runs, ledger, deployments, predictions, drift, incidents, objects, scratch } = ports
  const { codes, maxAttempts, delaySeconds } = ports.retryPolicy

  /** A step with a directory of its own that beats while it works. */
  const step = <T extends object>(
    input: RunInput,
    name: string,
    what: string,
    work: (at: { directory: string; signal: AbortSignal }) => Promise<T>,
  ) =>
    onceStep<T>(ports, input, name, () =>
      withScratch(scratch, directory => beatWhile(what, signal => work({ directory, signal }))),
    )
  const collected = async (input: RunInput) => {
    const { snapshot } = await outcomeOf<CollectOutcome>(ledger, input, 'collect')
    return readJson<WindowSnapshot>(objects, snapshot.uri)
  }

  return {
    /** Which rows and labels the window has right now: the later steps see no others. */
    async collectWindow(input: RunInput): Promise<CollectOutcome> {
      return step(input, 'collect', 'collecting rows and labels', async at => {
        const { project } = input
        const deployment = await deployments.get(project, input.name)
        const policy = policyOf(deployment)
        const { windowId, start, end } = (await runs.get(project, input.runId)).request as DriftRequest
        const window = { id: windowId, start, end }
        if (!isWindowOf(policy, window)) {
          const message = `Deployment "${input.name}" has no window "${windowId}" any more: its policy was changed.`
          throw new MlforgeError('wrong_state', message)
        }
        // Read before rows and labels are, so that it never claims more than was seen.
        const asOf = await drift.inputs(deployment.id)
        const { until } = await predictions.summary(project, deployment.id)
        const range = { start: firstNeeded({ policy, window }), end }
        const within = around(range)
        const files = await predictions.files(deployment.id, within)
        const source = { ...(await localSource(ports, deployment.id, files, at)), within }
        const options = { temporaryDirectory: at.directory, signal: at.signal }
        const [logged] = await windowContents(source, [window], options)
        const gaps = gapsOf(files, window)
        const content = { ...logged!, dropped: droppedIn(gaps) }
        const watermark = until?.getTime() ?? null
        const { state, reason } = stateOf(window, content, watermark, policy)
        const { name, model } = deployment
        writes({ kind: 'window', name, window: windowId })
        const facts: WindowFacts = { deployment: name, model, window, policy, state, reason, watermark, gaps }
        const labelFile = join(at.directory, 'window-labels.parquet')
        await writeLabelsWithin(source, range, labelFile, options)
        const snapshot: WindowSnapshot = {
          facts,
          content,
          fingerprint: sha256Hex(windowBasis(window, content, state, policy)),
          asOf,
          files: files.map(({ uri }) => uri),
          labels: await writeFile(objects, project, labelFile),
        }
        const { rows, labelled } = content
        const kept = await json(objects, project, snapshot as unknown as Json)
        return { window: windowId, state, rows, labelled, snapshot: kept, labels: snapshot.labels }
      })
    },

    /** Errors, and every column against its reference: the report, as canonical JSON. */
    async assessWindow(input: RunInput): Promise<AssessOutcome> {
      return step(input, 'assess', 'assessing the window', async at => {
        const { facts, files, labels } = await collected(input)
        const source = {
          files: await filesOf(ports, files, at.directory),
          labels: await objects.toFile(labels.uri, at.directory),
          within: around({ start: firstNeeded(facts), end: facts.window.end }),
        }
        const report = await assessedReport(ports, { project: input.project, facts, source }, at)
        const { breached, errors, reason } = report
        return {
          breached,
          findings: errors === null ? [reason] : errors.checks.map(({ message }) => message),
          report: await json(objects, input.project, report as unknown as Json),
        }
      })
    },

    /** The report for people, one file. */
    async writeReport(input: RunInput): Promise<ReportOutcome> {
      return onceStep(ports, input, 'report', async () => {
        const { report } = await outcomeOf<AssessOutcome>(ledger, input, 'assess')
        const page = reportPage(await readJson<WindowReport>(objects, report.uri))
        return { html: await objects.write(input.project, Buffer.from(page)) }
      })
    },

    /**
     * Makes the assessment the window's latest revision: one transaction with the step's ledger row, and
     * with the incident that it gives ground for.
     */
    async recordWindow(input: RunInput): Promise<RecordOutcome> {
      return onceStep<RecordOutcome>(ports, input, 'record', async () => {
        const deployment = await deployments.get(input.project, input.name)
        const deploymentId = deployment.id
        const { content, fingerprint, asOf } = await collected(input)
        const { report: jsonRef } = await outcomeOf<AssessOutcome>(ledger, input, 'assess')
        const { html } = await outcomeOf<ReportOutcome>(ledger, input, 'report')
        const report = await readJson<WindowReport>(objects, jsonRef.uri)
        const { window, state, reason, breached, rows, labelled, versions, errors, reference } = report
        reads({ kind: 'window', name: input.name, window: window.id })
        reads(...versions.map(({ version }) => ({ kind: 'model', name: report.model, version }) as const))
        return async transaction => {
          const recorded = await drift.record(transaction, {
            deploymentId,
            windowId: window.id,
            startsAt: new Date(window.start),
            endsAt: new Date(window.end),
            state,
            reason,
            breached,
            rows,
            labelled,
            dropped: content.dropped,
            versions: versions.map(({ version, share }) => ({ version, share })),
            metrics: errors?.metrics ?? null,
            checks: errors?.checks ?? [],
            reference,
            report: { json: jsonRef, html },
            fingerprint,
            asOf,
            runId: input.runId,
            effectKey: effectKey(input, 'record'),
          })
          writes({ kind: 'report', run: input.runId })
          if (recorded.outcome === 'recorded') {
            const assessments = await drift.assessments(deploymentId, transaction)
            const retryPolicy = { codes, maxAttempts, delaySeconds }
            await incidents.openIfDue(transaction, deployment, assessments, retryPolicy)
          }
          return recorded
        }
      })
    },
  }
}

export type DriftActivities = ReturnType<typeof driftActivities>
