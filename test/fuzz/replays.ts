import { Client, Connection, type WorkflowClient } from '@temporalio/client'
import { Runtime, Worker } from '@temporalio/worker'
import { BUNDLE_FILE } from '../../worker/build-files.js'
import { eventually } from '../support/eventually.js'
import { silentLogger } from '../support/silent-logger.js'

let isInstalled = false

/** Ids of the executions of a workflow. The list may lag by a moment. */
function executionsOf(workflow: WorkflowClient, workflowId: string): Promise<string[]> {
  return eventually(async () => {
    const found: string[] = []
    for await (const { runId } of workflow.list({ query: `WorkflowId = '${workflowId}'` })) found.push(runId)
    if (found.length === 0) throw new Error(`There is no execution of ${workflowId}.`)
    return found
  })
}

/** Replays every execution of some workflows on the bundle that workers have. @returns those that differ, and why */
export async function replayProblems(address: string, workflowIds: readonly string[]): Promise<string[]> {
  if (!isInstalled) Runtime.install({ shutdownSignals: [], logger: silentLogger })
  isInstalled = true
  const connection = await Connection.connect({ address })
  try {
    const { workflow } = new Client({ connection })
    const histories = async function* () {
      for (const workflowId of workflowIds) {
        for (const runId of await executionsOf(workflow, workflowId)) {
          yield { workflowId, history: await workflow.getHandle(workflowId, runId).fetchHistory() }
        }
      }
    }
    const problems: string[] = []
    let replayed = 0
    const results = Worker.runReplayHistories({ workflowBundle: { codePath: BUNDLE_FILE } }, histories())
    for await (const { workflowId, runId, error } of results) {
      replayed++
      if (error) problems.push(`${workflowId} (${runId}) does not replay: ${error.message}`)
    }
    if (replayed < workflowIds.length)
      problems.push(`${replayed} histories of ${workflowIds.length} workflows are there`)
    return problems
  } finally {
    await connection.close()
  }
}
