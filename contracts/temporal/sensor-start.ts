import { TypedSearchAttributes, WorkflowIdConflictPolicy, WorkflowIdReusePolicy } from '@temporalio/common'
import { type RunLimits, WORKFLOWS } from './messages.js'
import { QUEUES } from './queues.js'
import { searchAttributes } from './search-attributes.js'
import { type SensorInput, sensorWorkflowId, wakeSensor } from './sensors.js'

interface StartableSensor {
  readonly project: string
  readonly name: string
  readonly pipeline: string
}

/**
 * How a sensor's workflow is started, or woken where it runs, the same by whoever does it. There is one for
 * each name, and it can be started again whenever it has ended: how far it has come is in its row.
 */
export function sensorStart({ project, name, pipeline }: StartableSensor, limits: RunLimits) {
  const input: SensorInput = { project, name, limits }
  return {
    type: WORKFLOWS.sensor,
    options: {
      workflowId: sensorWorkflowId({ project, name }),
      taskQueue: QUEUES.workflows,
      args: [input],
      workflowIdReusePolicy: WorkflowIdReusePolicy.ALLOW_DUPLICATE,
      workflowIdConflictPolicy: WorkflowIdConflictPolicy.USE_EXISTING,
      priority: { priorityKey: 3, fairnessKey: project },
      staticSummary: `Sensor ${name}, runs pipeline ${pipeline}`,
      typedSearchAttributes: new TypedSearchAttributes([
        { key: searchAttributes.project, value: project },
        { key: searchAttributes.kind, value: 'sensor' },
        { key: searchAttributes.pipeline, value: pipeline },
        { key: searchAttributes.trigger, value: 'sensor' },
      ]),
    },
    signal: wakeSensor.name,
  }
}
