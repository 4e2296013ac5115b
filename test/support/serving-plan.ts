import type { Ports } from '../../activities/ports.js'
import type { ModelSignature } from '../../domain/models/signature.js'
import { uuidv7 } from '../../stores/ids.js'
import type { TestDatabase } from './postgres.js'

/** Puts a plan in force by which version 1 answers everything, as the end of its rollout does. */
export async function serveVersion(
  { ports, database }: { readonly ports: Pick<Ports, 'deployments'>; readonly database: TestDatabase },
  deploymentId: string,
  signature: ModelSignature,
): Promise<void> {
  const onnx = { uri: 'sha256:none', sha256: 'none', bytes: 1 }
  await database.dataSource.transaction(async transaction =>
    ports.deployments.issue(transaction, deploymentId, {
      plan: { salt: 's', arms: [{ version: 1, role: 'stable', weight: 100 }] },
      versions: [{ model: 'bike', version: 1, signature, onnx }],
      reason: 'test',
      rolloutId: uuidv7(),
      effectKey: uuidv7(),
    }),
  )
}
