import { Client, type Connection } from '@temporalio/client'
import { SEARCH_ATTRIBUTES } from '../../infra/launcher/temporal.js'
import { eventually } from './eventually.js'

/** IndexedValueType of Temporal's API. */
const TYPES = { Keyword: 2, Double: 4 }

/** A namespace of its own on the shared server, ready for workflows: task queue names are then its own too. */
export async function makeNamespace(connection: Connection, namespace: string): Promise<Client> {
  await connection.workflowService.registerNamespace({
    namespace,
    workflowExecutionRetentionPeriod: { seconds: 86_400 as never },
  })
  const names = Object.entries(SEARCH_ATTRIBUTES)
  const searchAttributes = Object.fromEntries(names.map(([name, type]) => [name, TYPES[type]]))
  // The server's caches take a moment to know a new namespace and its attributes.
  await eventually(() => connection.operatorService.addSearchAttributes({ namespace, searchAttributes }))
  const client = new Client({ connection, namespace })
  await eventually(async () => {
    const attributes = Object.fromEntries(
      names.map(([name, type]) => [name, [type === 'Double' ? 1 : 'probe']]),
    )
    const probe = await client.workflow.start('probe', {
      workflowId: 'probe',
      taskQueue: 'nobody',
      workflowIdConflictPolicy: 'USE_EXISTING',
      searchAttributes: attributes as never,
    })
    await probe.terminate('the namespace is ready')
  })
  return client
}
