import type { DataSource, EntityManager } from 'typeorm'
import { MlforgeError } from '../../domain/errors.js'
import { DataTransfer } from './entities/data.js'
import { type NewPack, PackCatalogue } from './pack-catalogue.js'
import type { SizedObjects } from './pack-objects.js'

/** How long a transfer waits for its client. */
const LEASE_MS = 24 * 3_600_000

/** What clients push and pull, and until when their data are kept for them. */
export class TransferStore {
  constructor(private readonly dataSource: DataSource) {}

  /** Begins with the run of the transfer. */
  async open(
    transaction: EntityManager,
    run: { readonly id: string; readonly project: string },
  ): Promise<void> {
    const openedAt = new Date()
    await transaction.insert(DataTransfer, {
      runId: run.id,
      project: run.project,
      openedAt,
      expiresAt: new Date(openedAt.getTime() + LEASE_MS),
      sealedAt: null,
      releasedAt: null,
      files: 0,
      bytes: '0',
      packs: 0,
    })
  }

  async get(runId: string): Promise<DataTransfer> {
    return this.dataSource.getRepository(DataTransfer).findOneByOrFail({ runId })
  }

  /**
   * The transfer goes on: its time begins anew.
   * @throws MlforgeError wrong_state for one that was sealed or is over, transfer_expired
   */
  async renew(runId: string, manager: EntityManager = this.dataSource.manager): Promise<DataTransfer> {
    const [, renewed]: [unknown[], number] = await manager.query(
      `UPDATE data_transfers SET expires_at = now() + $2 * interval '1 millisecond'
       WHERE run_id = $1 AND released_at IS NULL AND sealed_at IS NULL AND expires_at > now()`,
      [runId, LEASE_MS],
    )
    const transfer = await manager.findOneByOrFail(DataTransfer, { runId })
    if (renewed > 0) return transfer
    throw closed(transfer)
  }

  /** A pack of a push that is in the object store; its chunks count once they were verified. */
  async receive(runId: string, project: string, pack: NewPack, objects: SizedObjects): Promise<void> {
    await this.dataSource.transaction(async transaction => {
      await this.renew(runId, transaction)
      const { isNew } = await new PackCatalogue(this.dataSource).addIn(transaction, project, pack, {
        verified: false,
        runId,
        objects,
      })
      if (!isNew) return
      await transaction.query(
        'UPDATE data_transfers SET packs = packs + 1, bytes = bytes + $2 WHERE run_id = $1',
        [runId, pack.bytes],
      )
    })
  }

  /** What the reader of a pull says to have; of a push the files that were sent: its bytes are known. */
  async progress(runId: string, { files, bytes }: { files: number; bytes?: number }): Promise<void> {
    await this.dataSource.transaction(async transaction => {
      await this.renew(runId, transaction)
      const said = { files, ...(bytes !== undefined && { bytes: String(bytes) }) }
      await transaction.update(DataTransfer, { runId }, said)
    })
  }

  /**
   * Nothing more comes. Again, it changes nothing.
   * @param files of a push: all of them, which its client says by it
   * @throws MlforgeError wrong_state, transfer_expired
   */
  async seal(runId: string, files?: number): Promise<void> {
    await this.dataSource.transaction(async transaction => {
      const transfer = await transaction.findOneByOrFail(DataTransfer, { runId })
      if (transfer.sealedAt !== null) return
      await this.renew(runId, transaction)
      const sealed = { sealedAt: new Date(), ...(files !== undefined && { files }) }
      await transaction.update(DataTransfer, { runId }, sealed)
    })
  }

  /** Its data are kept for it no longer. */
  async release(runId: string, manager: EntityManager = this.dataSource.manager): Promise<void> {
    await manager.query(
      'UPDATE data_transfers SET released_at = coalesce(released_at, now()) WHERE run_id = $1',
      [runId],
    )
    await manager.query('DELETE FROM data_holds WHERE owner = $1', [runId])
  }
}

/** The run of a transfer is over, and nobody starts it again by itself. */
export async function releaseTransferIn(transaction: EntityManager, runId: string): Promise<void> {
  await transaction.query(
    'UPDATE data_transfers SET released_at = now() WHERE run_id = $1 AND released_at IS NULL',
    [runId],
  )
}

/** Its run begins again. */
export async function keepTransferIn(transaction: EntityManager, runId: string): Promise<void> {
  await transaction.query('UPDATE data_transfers SET released_at = NULL WHERE run_id = $1', [runId])
}

function closed({ runId, releasedAt, sealedAt }: DataTransfer): MlforgeError {
  if (releasedAt !== null)
    return new MlforgeError('wrong_state', `Transfer ${runId} has ended. Begin another.`)
  if (sealedAt !== null) {
    return new MlforgeError('wrong_state', `Transfer ${runId} was said to be complete. Begin another.`)
  }
  return new MlforgeError(
    'transfer_expired',
    `Nothing was heard of transfer ${runId} for ${LEASE_MS / 3_600_000} hours. Begin another: what was sent before and is still there is not sent again.`,
  )
}
