import { Context } from '@temporalio/activity'
import type { Logger } from 'pino'
import type { LabelsLookedFor } from '../contracts/temporal/monitoring.js'
import { MlforgeError } from '../domain/errors.js'
import { sweepRest } from '../domain/labels/sweeps.js'
import { eachPredictionId, idsAmong } from '../stores/duckdb/predictions-ids.js'
import type { LabelLookState, LookedFile } from '../stores/postgres/label-look-store.js'
import { beatWhile } from './heartbeats.js'
import type { Ports } from './ports.js'
import { withScratch } from './scratch.js'

type LabelPorts = Pick<Ports, 'labelLooks' | 'objects' | 'scratch'> & {
  /** A label without a prediction is reported after so long. */
  readonly holdSeconds: number
  readonly logger: Logger
}

/** After so long a tick begins nothing more; the next goes on. */
const A_TICK_MS = 60_000

/** Files that are read at a time. What was found in them is kept before the next are read. */
const FILES_AT_ONCE = 64
const BYTES_AT_ONCE = 256 * 2 ** 20
const IDS_AT_ONCE = 10_000

/** Labels find their predictions; those that do not are reported when their time is over. */
export function labelActivities(ports: LabelPorts) {
  return {
    /** Each deployment by itself: a file that cannot be read holds up no labels but its own. */
    async lookForLabels({ project }: { project: string }): Promise<LabelsLookedFor> {
      return beatWhile('looking for the predictions of labels', async () => {
        const until = Date.now() + A_TICK_MS
        const total = { deployments: 0, matched: 0, reported: 0, failed: 0 }
        for (const { id, name } of await ports.labelLooks.due(project)) {
          if (Date.now() > until) break
          total.deployments++
          const look = new Look(ports, id, until)
          try {
            await look.run()
          } catch (error) {
            if (!(error instanceof MlforgeError)) throw error
            total.failed++
            const context = { deployment: name, code: error.code, message: error.message }
            ports.logger.warn(context, 'labels stay held: a file of predictions cannot be read')
          }
          const { matched, reported } = look
          total.matched += matched
          total.reported += reported
          if (matched > 0) ports.logger.debug({ deployment: name, labels: matched }, 'labels matched')
          if (reported > 0) {
            const shown = `GET /v1/deployments/${name}/labels/unknown shows them`
            ports.logger.warn({ deployment: name, labels: reported }, `labels without a prediction: ${shown}`)
          }
        }
        return total
      })
    },
  }
}

export type LabelActivities = ReturnType<typeof labelActivities>

/**
 * One look at a deployment. Killed anywhere it has told nothing untrue, and is gone on with; two at once
 * tell the same.
 */
class Look {
  matched = 0
  reported = 0
  private readonly signal = Context.current().cancellationSignal

  constructor(
    private readonly ports: LabelPorts,
    private readonly deploymentId: string,
    private readonly until: number,
  ) {}

  async run(): Promise<void> {
    const { labelLooks, holdSeconds } = this.ports
    const state = await labelLooks.open(this.deploymentId)
    await this.lookAtNewFiles()
    const swept = await this.sweep(state)
    // A file that has taken the place of others may hold what the sweep did not come to read in those: it
    // is new, so nothing is reported before all that are new by now were looked at.
    if (swept !== null && (await this.lookAtNewFiles())) {
      this.reported += await labelLooks.report(swept, holdSeconds)
    }
  }

  /** @returns whether there are no more of them */
  private async lookAtNewFiles(): Promise<boolean> {
    const { labelLooks } = this.ports
    do {
      const files = await labelLooks.newFiles(this.deploymentId, FILES_AT_ONCE)
      if (files.length === 0) return true
      const some = upTo(BYTES_AT_ONCE, files)
      // Labels that come after this question are looked for by a sweep, which reads these files too.
      if (await labelLooks.isAnyUnmatched(this.deploymentId)) {
        await this.reading(some, (local, temporaryDirectory) =>
          eachPredictionId(local, { temporaryDirectory, signal: this.signal }, ids => this.match(ids)),
        )
      }
      await labelLooks.closeFiles(some)
    } while (!this.isOver())
    return (await labelLooks.newFiles(this.deploymentId, 1)).length === 0
  }

  /** @returns how far it came; null where another look goes on with it */
  private async sweep(opened: LabelLookState): Promise<LabelLookState | null> {
    let state = opened
    do {
      const begun = state.sweepUntil === null ? await this.ports.labelLooks.beginSweep(state) : state
      if (begun === null) return state
      const swept = await this.sweepFiles(begun)
      if (swept === null) return null
      state = swept
    } while (!this.isOver())
    return state
  }

  /** Until the end of the sweep: all labels found, or all files read. */
  private async sweepFiles(begun: LabelLookState): Promise<LabelLookState | null> {
    const { labelLooks, holdSeconds } = this.ports
    const wanted = new Set(await labelLooks.sought(begun))
    const labels = wanted.size
    let state = begun
    do {
      const files = wanted.size === 0 ? [] : await labelLooks.sweepFiles(state, FILES_AT_ONCE)
      if (files.length === 0) {
        return labelLooks.endSweep(state, sweepRest(state.sweepMs, labels, holdSeconds))
      }
      const started = performance.now()
      const some = upTo(BYTES_AT_ONCE, files)
      const found = await this.reading(some, (local, temporaryDirectory) =>
        idsAmong(wanted, local, temporaryDirectory, { temporaryDirectory, signal: this.signal }),
      )
      const readMs = performance.now() - started
      await this.match(found)
      for (const id of found) wanted.delete(id)
      const advanced = await labelLooks.advanceSweep(state, some.at(-1)!, readMs)
      if (advanced === null) return null
      state = advanced
    } while (!this.isOver())
    return state
  }

  private async match(ids: readonly string[]): Promise<void> {
    for (let from = 0; from < ids.length; from += IDS_AT_ONCE) {
      const some = ids.slice(from, from + IDS_AT_ONCE)
      this.matched += await this.ports.labelLooks.match(this.deploymentId, some)
    }
  }

  private async reading<T>(
    files: readonly LookedFile[],
    work: (local: string[], directory: string) => Promise<T>,
  ): Promise<T> {
    const { objects, scratch } = this.ports
    return withScratch(scratch, async directory => {
      const withRows = files.filter(({ rows }) => rows > 0)
      return work(await Promise.all(withRows.map(({ uri }) => objects.toFile(uri, directory))), directory)
    })
  }

  private isOver(): boolean {
    this.signal.throwIfAborted()
    return Date.now() > this.until
  }
}

/** The first files, of so many bytes together, but one at least. */
function upTo(bytes: number, files: readonly LookedFile[]): LookedFile[] {
  let sum = 0
  return files.filter((file, at) => (sum += file.bytes) <= bytes || at === 0)
}
