import type { DataSource, EntityManager } from 'typeorm'
import { Checkpoint } from './entities/checkpoint.js'

/** Pointers to durable checkpoints of a training. */
export class CheckpointStore {
  constructor(private readonly dataSource: DataSource) {}

  /** Newest first. */
  async list(runId: string, generation?: number): Promise<Checkpoint[]> {
    return this.dataSource.getRepository(Checkpoint).find({
      where: generation === undefined ? { runId } : { runId, generation },
      order: { generation: 'DESC', round: 'DESC' },
    })
  }

  /** Makes a checkpoint visible. To be called in a fenced transaction, after its object is durable. */
  async add(transaction: EntityManager, checkpoint: Omit<Checkpoint, 'createdAt'>): Promise<void> {
    await transaction.upsert(Checkpoint, { ...checkpoint, createdAt: new Date() }, [
      'runId',
      'generation',
      'round',
    ])
  }
}
