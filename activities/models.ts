import type {
  EvaluateOutcome,
  ExportOutcome,
  PrepareOutcome,
  RegisterOutcome,
  RunInput,
  TrainOutcome,
} from '../contracts/temporal/messages.js'
import type { ForcedRegistration } from '../contracts/temporal/rollouts.js'
import { effectKey } from '../domain/names.js'
import { decideGate, type GateDecision } from '../domain/training/gate.js'
import type { TrainingSpec } from '../domain/training/spec.js'
import { writes } from '../stores/lineage-scope.js'
import type { Ports } from './ports.js'
import { servedSignature } from './replays.js'
import { onceStep, outcomeOf } from './step.js'

type ModelPorts = Pick<
  Ports,
  'runs' | 'ledger' | 'wakes' | 'datasets' | 'transformations' | 'models' | 'objects' | 'engine' | 'code'
>

export function modelActivities(ports: ModelPorts) {
  const { runs, ledger, models, engine, code } = ports
  return {
    /** The gate's decision, kept with the run whatever it is. */
    async judge(input: RunInput): Promise<GateDecision> {
      return onceStep(ports, input, 'gate', async () => {
        const spec = (await runs.get(input.project, input.runId)).request as TrainingSpec
        const { metrics } = await outcomeOf<EvaluateOutcome>(ledger, input, 'evaluate')
        return decideGate(spec.gate, metrics)
      })
    },

    /**
     * Registers the evaluated bytes as the next version, with all that they were made from; where the
     * gate refused them and somebody forced them, with that too.
     */
    async registerVersion(input: RunInput & { forced?: ForcedRegistration }): Promise<RegisterOutcome> {
      return onceStep(ports, input, 'register', async () => {
        const run = await runs.get(input.project, input.runId)
        const spec = run.request as TrainingSpec
        const data = await outcomeOf<PrepareOutcome>(ledger, input, 'prepare')
        const trained = await outcomeOf<TrainOutcome>(ledger, input, 'train')
        const evaluated = await outcomeOf<EvaluateOutcome>(ledger, input, 'evaluate')
        const gate = await outcomeOf<GateDecision>(ledger, input, 'gate')
        const exported = await outcomeOf<ExportOutcome>(ledger, input, 'export')
        const { signature, state } = await servedSignature(ports, input.project, spec)
        return async transaction => {
          const registered = await models.register(transaction, input.project, spec.model, {
            engine: spec.engine,
            sha256: trained.model.sha256,
            artifacts: {
              'model.ubj': trained.model,
              'model.onnx': exported.onnx,
              'train.parquet': data.train,
              'holdout.parquet': data.holdout,
              'predictions.parquet': evaluated.predictions,
              'training.json': trained.details,
              ...(state ? { 'transformation.json': state } : {}),
            },
            signature,
            metrics: evaluated.metrics,
            gate,
            parity: exported.parity,
            lineage: {
              dataset: spec.dataset,
              ...(spec.transformation ? { transformation: { ...spec.transformation } } : {}),
              code,
              ...(spec.code ? { userCode: { ...spec.code } } : {}),
              engine: { name: spec.engine, version: engine.version },
              parameters: spec.parameters,
              rounds: spec.rounds,
              split: spec.split,
              champion: evaluated.championVersion ?? null,
              control: spec.control ?? null,
              run: input.runId,
              principal: run.principal,
              ...(input.forced ? { forced: { ...input.forced } } : {}),
            },
            runId: input.runId,
            effectKey: effectKey(input, 'register'),
          })
          writes({ kind: 'model', name: spec.model, version: registered.version })
          return { version: registered.version, sha256: registered.sha256 }
        }
      })
    },
  }
}

export type ModelActivities = ReturnType<typeof modelActivities>
