import { proxyActivities, upsertSearchAttributes } from '@temporalio/workflow'
import type { ModelActivities } from '../activities/models.js'
import type { TrainingActivities } from '../activities/training.js'
import type { RunInput, TrainingLive, TrainModelResult } from '../contracts/temporal/messages.js'
import { searchAttributes } from '../contracts/temporal/search-attributes.js'
import { dataWork, engineWork } from './activity-presets.js'
import { asRun } from './run-shell.js'

/**
 * Split -> train with checkpoints -> evaluate -> gate -> export and compare -> register. Each step's
 * outcome is in the step ledger, so a later attempt of the run takes up where this one ended.
 */
export async function trainModel(input: RunInput): Promise<TrainModelResult> {
  const { prepareSplit } = proxyActivities<TrainingActivities>(dataWork(input.limits))
  const { train, evaluate, exportModel } = proxyActivities<TrainingActivities>(engineWork(input.limits))
  const { judge, registerVersion } = proxyActivities<ModelActivities>(dataWork(input.limits))

  return asRun<TrainingLive, TrainModelResult>(input, { stage: 'prepare' }, async run => {
    const data = await prepareSplit(input)
    run.warn(data.warnings)
    run.show('rows', `${data.trainRows} to train on, ${data.holdoutRows} held out`)

    run.stage('train')
    const trained = await train(input)
    run.show('model', trained.model.sha256)
    if (trained.resumedFromRound > 0)
      run.show('resumed', `from the checkpoint at round ${trained.resumedFromRound}`)

    run.stage('evaluate')
    const { metrics } = await evaluate(input)
    upsertSearchAttributes([{ key: searchAttributes.metric, value: metrics.model.rmse }])
    run.show('RMSE', `${metrics.model.rmse.toFixed(2)} (baseline ${metrics.baseline.rmse.toFixed(2)})`)

    run.stage('gate', { metrics })
    const gate = await judge(input)
    run.show('gate', gate.checks.map(check => check.message).join('; '))
    if (!gate.passed) {
      const failed = gate.checks.filter(check => !check.passed)
      const message = `The gate refused the model: ${failed.map(check => check.message).join('; ')}.`
      return {
        outcome: 'refused',
        sha256: trained.model.sha256,
        error: { code: 'gate_refused', message, details: { gate } },
      }
    }

    run.stage('export', { gate })
    const exported = await exportModel(input)
    run.show('ONNX', `differs by ${exported.parity.maxDifference?.toExponential(1)} at most`)

    run.stage('register')
    const registered = await registerVersion(input)
    run.show('version', String(registered.version))
    return { outcome: 'succeeded', version: registered.version, sha256: registered.sha256 }
  })
}
