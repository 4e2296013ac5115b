import type { StepOutcome } from '../../contracts/temporal/pipelines.js'
import type { Json } from '../../domain/canonical-json.js'
import type { PipelineStep } from '../../stores/postgres/entities/pipeline.js'
import type { Run } from '../../stores/postgres/entities/run.js'
import { bikeCsv } from './bike-data.js'
import { Harness } from './harness.js'
import { PipelineRuns } from './pipeline-runs.js'
import { Receiver } from './receiver.js'

/** Nobody waits for the second try of a step. */
export const SOON = { maxAttempts: 2, delay: 0.05 }

/** Applies and starts pipelines, and reads what has become of their steps. */
export class PipelineKit {
  private readonly runs: PipelineRuns

  constructor(
    readonly harness: Harness,
    readonly receiver: Receiver,
  ) {
    this.runs = new PipelineRuns(harness)
  }

  /** With workers and a receiver of its own; `stop` ends them. */
  static async withWorkers(): Promise<PipelineKit> {
    return new PipelineKit(await Harness.start(), await Receiver.start())
  }

  async stop(): Promise<void> {
    await this.receiver.stop()
    await this.harness.stop()
  }

  /** The first months of the bike-sharing file become dataset `bike`. */
  async commitBike(): Promise<void> {
    const columns = { dteday: { format: '%m/%d/%Y' } }
    await this.harness.ended(await this.harness.commit('bike', bikeCsv(4), { columns }))
  }

  start(name: string, source: object, parameters: Record<string, Json> = {}): Promise<Run> {
    return this.runs.start(name, source, { parameters })
  }

  /** A step that sends a request to the receiver. */
  post(path: string, more: object = {}) {
    return { uses: 'http', with: { url: this.receiver.url(path) }, retry: SOON, ...more }
  }

  /** The newest row of each step. */
  async steps(run: Run): Promise<Record<string, PipelineStep>> {
    const rows = await this.harness.ports.pipelineRuns.steps(run.id)
    return Object.fromEntries(rows.sort((a, b) => a.generation - b.generation).map(row => [row.step, row]))
  }

  async states(run: Run): Promise<Record<string, string>> {
    return Object.fromEntries(Object.entries(await this.steps(run)).map(([name, { state }]) => [name, state]))
  }

  async outcome(run: Run, step: string, generation = 1): Promise<StepOutcome | undefined> {
    const rows = await this.harness.ports.ledger.steps(run.id)
    return rows.find(row => row.step === step && row.generation === generation)?.outcome as
      StepOutcome | undefined
  }
}
