import type { StepInput, StepReport } from '../../contracts/temporal/pipelines.js'
import type { RetryPolicy } from '../../domain/runs/retry-policy.js'
import type { Ports } from '../ports.js'
import { advanceChild, type ChildKind } from './child-steps.js'
import { doStep, type DoStepPorts, type StepKind } from './do-step.js'
import { doGate, type GateKind } from './gate-steps.js'
import { applyStep } from './steps/apply.js'
import { approveStep } from './steps/approve.js'
import { branchStep } from './steps/branch.js'
import { compareStep } from './steps/compare.js'
import { datasetIdentity, datasetStep } from './steps/dataset.js'
import { deployStep } from './steps/deploy.js'
import { fitStep } from './steps/fit.js'
import { gateStep } from './steps/gate.js'
import { evaluateIdentity, evaluateStep } from './steps/evaluate.js'
import { httpStep } from './steps/http.js'
import { mapStep } from './steps/map.js'
import { notifyStep } from './steps/notify.js'
import { promoteStep } from './steps/promote.js'
import { queryStep } from './steps/query.js'
import { registerStep } from './steps/register.js'
import { scriptIdentity } from './script-files.js'
import { scriptStep } from './steps/script.js'
import { sensorStep } from './steps/sensor.js'
import { subpipelineStep } from './steps/subpipeline.js'
import { trainStep } from './steps/train.js'
import { transformStep } from './steps/transform.js'
import { validateIdentity, validateStep } from './steps/validate.js'
import { waitStep } from './steps/wait.js'

type LibraryPorts = DoStepPorts &
  Pick<
    Ports,
    | 'datasets'
    | 'suites'
    | 'transformations'
    | 'models'
    | 'deployments'
    | 'pipelines'
    | 'code'
    | 'sensorTicks'
    | 'sensorSources'
  > & {
    readonly retryPolicy: RetryPolicy
    /** Where the files of scripts are. */
    readonly projectDirectory: string
  }

type StepActivity = (input: StepInput) => Promise<StepReport>

/** Steps that work with rows and files, that are runs of their own, or that wait, by their names in Temporal. */
export function ioSteps(ports: LibraryPorts) {
  const step =
    (kind: StepKind): StepActivity =>
    input =>
      doStep(ports, input, kind)
  const child =
    (kind: ChildKind): StepActivity =>
    input =>
      advanceChild(ports, input, kind)
  const gate =
    (kind: GateKind): StepActivity =>
    input =>
      doGate(ports, input, kind)
  return {
    datasetStep: step({ run: datasetStep(ports), identityOf: datasetIdentity(ports) }),
    queryStep: step({ run: queryStep(ports) }),
    fitStep: step({ run: fitStep(ports) }),
    applyStep: step({ run: applyStep(ports) }),
    transformStep: step({ run: transformStep(ports) }),
    validateStep: step({ run: validateStep(ports), identityOf: validateIdentity }),
    compareStep: step({ run: compareStep() }),
    promoteStep: step({ run: promoteStep(ports) }),
    httpStep: step({ run: httpStep() }),
    notifyStep: step({ run: notifyStep() }),
    trainStep: child(trainStep(ports, ports.retryPolicy)),
    deployStep: child(deployStep(ports)),
    mapStep: child(mapStep(ports)),
    subpipelineStep: child(subpipelineStep(ports, ports.retryPolicy)),
    branchStep: step({ run: branchStep() }),
    approveStep: gate(approveStep(ports)),
    waitStep: gate(waitStep()),
    gateStep: (input: StepInput): Promise<StepReport> => gateStep(ports, input, ports.retryPolicy),
    sensorStep: (input: StepInput): Promise<StepReport> => sensorStep(ports, input),
  }
}

/** Steps that compute, in processes of their own. */
export function computeSteps(ports: LibraryPorts) {
  const { projectDirectory } = ports
  const script: StepKind = {
    run: scriptStep(ports, { projectDirectory }),
    identityOf: inputs => scriptIdentity(inputs, projectDirectory),
  }
  const step =
    (kind: StepKind): StepActivity =>
    input =>
      doStep(ports, input, kind)
  return {
    evaluateStep: step({ run: evaluateStep(ports), identityOf: evaluateIdentity }),
    registerStep: step({ run: registerStep(ports) }),
    scriptStep: step(script),
  }
}
