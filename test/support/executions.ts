import type { Client } from '@temporalio/client'

/** Executions of a workflow whose history is cut, the first one first. */
export async function executions(client: Client, workflowId: string): Promise<string[]> {
  const found: string[] = []
  let { runId } = await client.workflow.getHandle(workflowId).describe()
  while (runId) {
    found.unshift(runId)
    const { events } = await client.workflow.getHandle(workflowId, runId).fetchHistory()
    runId = events![0]!.workflowExecutionStartedEventAttributes!.continuedExecutionRunId!
  }
  return found
}
