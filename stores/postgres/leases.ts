import type { EntityManager } from 'typeorm'
import { MlforgeError } from '../../domain/errors.js'

/** Proof of having been the last to take a resource; a larger epoch makes it worthless. */
export interface Fence {
  readonly resource: string
  readonly epoch: string
}

/** Takes a resource over from whoever had it. Earlier holders find out at their next write. */
export async function takeLease(manager: EntityManager, resource: string, owner: string): Promise<Fence> {
  const rows: { epoch: string }[] = await manager.query(
    `INSERT INTO leases (resource, epoch, owner, taken_at) VALUES ($1, 1, $2, now())
     ON CONFLICT (resource) DO UPDATE SET epoch = leases.epoch + 1, owner = $2, taken_at = now()
     RETURNING epoch`,
    [resource, owner],
  )
  return { resource, epoch: rows[0]!.epoch }
}

/**
 * Holds the lease's row until the transaction ends, so that nobody takes it over between the check
 * and the write that it protects.
 * @throws MlforgeError lease_lost when somebody has taken the resource since
 */
export async function assertFence(transaction: EntityManager, fence: Fence): Promise<void> {
  const rows: { epoch: string; owner: string }[] = await transaction.query(
    'SELECT epoch, owner FROM leases WHERE resource = $1 FOR UPDATE',
    [fence.resource],
  )
  const current = rows[0]
  if (current?.epoch === fence.epoch) return
  throw new MlforgeError(
    'lease_lost',
    `${fence.resource} was taken over by ${current?.owner ?? 'nobody'} (epoch ${current?.epoch ?? 'none'}, ours is ` +
      `${fence.epoch}). This writer stops; the other one goes on.`,
  )
}
