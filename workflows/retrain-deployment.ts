import { ApplicationFailure, continueAsNew, proxyActivities } from '@temporalio/workflow'
import type { RetrainDeploymentActivities } from '../activities/retrain-deployment.js'
import type { RetrainingActivities } from '../activities/retraining.js'
import type { EndedRun, RunFailure, RunInput } from '../contracts/temporal/messages.js'
import type {
  RetrainDeploymentInput,
  RetrainDeploymentResult,
  RetrainingLive,
  Skipped,
} from '../contracts/temporal/retraining.js'
import { afterRollout, afterTraining } from '../domain/retraining/ends.js'
import { dataWork, ROWS } from './activity-presets.js'
import { asRun, type RunHandle } from './run-shell.js'
import { allEnded, type Awaited, awaitRuns } from './waiting.js'

const { trainRetrained, rollOutRetrained } = proxyActivities<RetrainDeploymentActivities>(ROWS)

/**
 * Retrains a deployment without an incident: which data -> a set of it -> a training against the champion, or the
 * pipeline of the deployment's policy -> a rollout by it. Training, pipeline run and rollout are runs of their own under ids that follow
 * from this one's, so another attempt finds them where they are; cancelled, it leaves them to themselves,
 * as an incident does.
 */
export async function retrainDeployment(given: RetrainDeploymentInput): Promise<RetrainDeploymentResult> {
  const { waitingSince, ...input } = given
  return asRun<RetrainingLive, RetrainDeploymentResult>(input, { stage: 'plan' }, run =>
    new Retraining(input, run, waitingSince).run(),
  )
}

class Retraining {
  constructor(
    private readonly input: RunInput,
    private readonly handle: RunHandle<RetrainingLive>,
    private waitingSince: number | undefined,
  ) {}

  async run(): Promise<RetrainDeploymentResult> {
    const { input, handle } = this
    const { planRetraining } = proxyActivities<RetrainDeploymentActivities>(dataWork(input.limits))
    const { buildRetrainingSet } = proxyActivities<RetrainingActivities>(dataWork(input.limits))
    const plan = await planRetraining(input)
    if ('skipped' in plan) return this.skip(plan)
    const { dataUntil } = plan
    const work = { ...input, number: null, dataUntil }
    handle.show('data until', new Date(dataUntil).toISOString())

    handle.stage('set', { dataUntil })
    const set = await buildRetrainingSet(work)
    const dataset = { name: set.dataset, version: set.version }
    handle.show(
      'dataset',
      `${set.dataset} version ${set.version}: ${set.rows} rows, ${set.added} predictions`,
    )
    const soFar = { dataUntil, dataset }
    if (set.added === 0) {
      const message = `no labelled predictions since dataset ${set.dataset} version ${set.version}`
      return this.skip({ skipped: 'no_new_data', message }, soFar)
    }

    const begun = await trainRetrained(work)
    if ('skipped' in begun) return this.skip(begun, soFar)
    const { runId } = begun
    const [what, ran] =
      begun.kind === 'pipeline' ? ['pipeline run', { pipelineRun: runId }] : ['training', { training: runId }]
    handle.keep({ ...soFar, ...ran })
    handle.stage('train', ran)
    handle.show(what, runId)
    const trained = afterTraining(await this.ended(what, runId))
    if (trained.do === 'refuse') return this.refuse(trained.error, { ...soFar, ...ran })
    if (trained.do === 'fail') throw failure(trained.error)
    const { version } = trained
    const registered = { ...soFar, ...ran, version }
    handle.keep(registered)

    handle.stage('roll_out', { version })
    handle.show('version', String(version))
    const rollout = await this.startRollout(version)
    if (typeof rollout !== 'string') return this.skip(rollout, registered)
    handle.keep({ ...registered, rollout })
    handle.stage('roll_out', { rollout, waitingFor: null })
    handle.show('rollout', rollout)
    const rolledOut = afterRollout(await this.ended('rollout', rollout), version)
    if (rolledOut.do === 'refuse') return this.refuse(rolledOut.error, { ...registered, rollout })
    if (rolledOut.do === 'fail') throw failure(rolledOut.error)
    const message = `version ${version} was rolled out`
    return { outcome: 'succeeded', message, ...registered, rollout }
  }

  /** Somebody else's rollout is waited for, not for ever, and never replaced. */
  private async startRollout(version: number): Promise<string | Skipped> {
    for (;;) {
      const started = await rollOutRetrained({ ...this.input, version })
      if ('skipped' in started) return started
      if ('runId' in started) return started.runId
      const { otherRollout, deadlineMs } = started
      this.waitingSince ??= Date.now()
      const leftMs = this.waitingSince + deadlineMs - Date.now()
      if (leftMs <= 0) {
        const hours = deadlineMs / 3_600_000
        const message = `Rollout ${otherRollout} has not ended for ${hours} hours. Version ${version} is registered: roll it out when it has.`
        throw failure({ code: 'rollout_in_progress', message, details: { rolloutId: otherRollout, version } })
      }
      this.handle.stage('roll_out', { waitingFor: otherRollout })
      this.handle.show('waiting for', `rollout ${otherRollout} to end`)
      await awaitRuns(this.end('other rollout', otherRollout), leftMs)
    }
  }

  private async ended(what: string, runId: string): Promise<EndedRun> {
    const [run] = await allEnded(this.end(what, runId))
    return run!
  }

  private end(what: string, runId: string): Awaited {
    const { project, limits } = this.input
    return {
      project,
      runIds: [runId],
      limits,
      summary: `end of ${what} ${runId}`,
      cut: () => this.cutHistory(),
    }
  }

  /** What it has done so far is answered from the ledger and by the rows of its runs. */
  private async cutHistory(): Promise<void> {
    const { input, waitingSince } = this
    await continueAsNew<typeof retrainDeployment>({
      ...input,
      ...(waitingSince === undefined ? {} : { waitingSince }),
    })
  }

  private skip({ skipped, message }: Skipped, soFar: Partial<RetrainDeploymentResult> = {}) {
    this.handle.show('skipped', message)
    return { outcome: 'succeeded', skipped, message, ...soFar } as const
  }

  private refuse(error: RunFailure, soFar: Partial<RetrainDeploymentResult>) {
    return { outcome: 'refused', error, message: error.message, ...soFar } as const
  }
}

function failure({ code, message, details }: RunFailure): ApplicationFailure {
  return ApplicationFailure.create({ type: code, message, nonRetryable: true, details: [details] })
}
