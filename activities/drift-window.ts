import { join } from 'node:path'
import type { ContentRef } from '../contracts/temporal/messages.js'
import type { MonitoringPolicy } from '../domain/drift/monitoring-policy.js'
import type { WindowContent } from '../domain/drift/window-basis.js'
import type { WindowFacts, WindowGap } from '../domain/drift/window-report.js'
import { DAY_MS, type TimeRange } from '../domain/drift/windows.js'
import { MlforgeError } from '../domain/errors.js'
import { writeLabels } from '../stores/duckdb/predictions-labels.js'
import type { Deployment } from '../stores/postgres/entities/deployment.js'
import type { DriftInputs } from '../stores/postgres/entities/drift.js'
import type { PredictionFile } from '../stores/postgres/entities/prediction.js'
import { type EventTimeRange, gapsWithin } from '../stores/postgres/prediction-store.js'
import type { Ports } from './ports.js'

/** What a check is about: rows, labels and policy as they were when it began, kept as one object. */
export interface WindowSnapshot {
  readonly facts: WindowFacts
  readonly content: WindowContent
  readonly fingerprint: string
  readonly asOf: DriftInputs
  /** Files of predictions: they never change, and stay while a check that is not over names them. */
  readonly files: readonly string[]
  /** Labels of the window and of its reference. */
  readonly labels: ContentRef
}

/** A client that sends an id again after long may move its event time; the answer that counts is the first. */
const BESIDE_MS = 7 * DAY_MS

/** @throws MlforgeError wrong_state for a deployment that nobody watches */
export function policyOf({ name, monitoring }: Deployment): MonitoringPolicy {
  if (monitoring !== null) return monitoring
  throw new MlforgeError(
    'wrong_state',
    `Deployment "${name}" has no monitoring policy. Set one with PUT /v1/deployments/${name}/monitoring.`,
  )
}

/** Event times of the rows that a range is made of, those beside it too. */
export function around({ start, end }: TimeRange): Required<EventTimeRange> {
  return { from: start - BESIDE_MS, to: end + BESIDE_MS }
}

/** Local copies of the files that a check began with. */
export async function filesOf(
  { predictions, objects }: Pick<Ports, 'predictions' | 'objects'>,
  uris: readonly string[],
  directory: string,
): Promise<string[]> {
  try {
    return await Promise.all(uris.map(uri => objects.toFile(uri, directory)))
  } catch (error) {
    const isMissing = error instanceof MlforgeError && error.code === 'object_missing'
    if (!isMissing || !(await predictions.wereDeleted(uris))) throw error
    throw new MlforgeError(
      'wrong_state',
      'The files that this check began with were merged into others and deleted since. Ask for another check of the window.',
    )
  }
}

/** Files as local ones, with all labels of the deployment beside them. */
export async function localSource(
  { labels, objects }: Pick<Ports, 'labels' | 'objects'>,
  deploymentId: string,
  files: readonly PredictionFile[],
  { directory, signal }: { directory: string; signal: AbortSignal },
): Promise<{ files: string[]; labels: string }> {
  const local = await Promise.all(files.map(({ uri }) => objects.toFile(uri, directory)))
  const labelFile = join(directory, 'labels.parquet')
  const options = { temporaryDirectory: directory, signal }
  await writeLabels(labels.effective(deploymentId), labelFile, options)
  return { files: local, labels: labelFile }
}

/** What was dropped instead of logged within a window. */
export function gapsOf(files: readonly PredictionFile[], { start, end }: TimeRange): WindowGap[] {
  return gapsWithin(files, { from: start, to: end }).map(gap => ({
    from: gap.fromEventTime,
    to: gap.toEventTime,
    dropped: gap.lastSequence - gap.firstSequence + 1,
  }))
}

export function droppedIn(gaps: readonly WindowGap[]): number {
  return gaps.reduce((sum, { dropped }) => sum + dropped, 0)
}
