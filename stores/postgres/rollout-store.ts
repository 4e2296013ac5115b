import type { DataSource } from 'typeorm'
import type { DecisionEntry } from '../../domain/rollouts/turn.js'
import { effectKey } from '../../domain/names.js'
import { DeploymentStore } from './deployment-store.js'
import { RolloutDecision } from './entities/rollout.js'
import { Run } from './entities/run.js'
import { page, type PageOf, type PageRequest } from './paging.js'

/** The decision logs of rollouts, and what is left of those that were stopped from outside. */
export class RolloutStore {
  private readonly deployments: DeploymentStore

  constructor(private readonly dataSource: DataSource) {
    this.deployments = new DeploymentStore(dataSource)
  }

  /** Adds entries, numbered from `first`, and shows the stage in the run's row; the same again changes nothing. */
  async record(
    { runId, attempt }: { runId: string; attempt: number },
    first: number,
    entries: readonly DecisionEntry[],
    stage: string,
  ): Promise<void> {
    await this.dataSource.transaction(async transaction => {
      const rows = entries.map((entry, at) => ({
        rolloutId: runId,
        number: first + at,
        at: new Date(entry.at),
        entry,
      }))
      if (rows.length > 0) {
        await transaction
          .createQueryBuilder()
          .insert()
          .into(RolloutDecision)
          .values(rows as never)
          .orIgnore()
          .execute()
      }
      const touchedAt = new Date()
      await transaction.update(Run, { id: runId, attempt, status: 'running' }, { stage, touchedAt })
    })
  }

  /** The traffic of a rollout that has ended without a word goes back to the stable version. */
  async takeBack({ id, project, name, generation }: Run): Promise<void> {
    const deployment = await this.deployments.get(project, name)
    const plan = await this.deployments.plan(deployment.id)
    if (plan?.rolloutId !== id) return
    const by = { rolloutId: id, effectKey: effectKey({ runId: id, generation }, 'taken-back') }
    await this.dataSource.transaction(transaction =>
      this.deployments.takeBack(transaction, deployment.id, by),
    )
  }

  async decisions(rolloutId: string, request: PageRequest): Promise<PageOf<RolloutDecision>> {
    const query = this.dataSource.getRepository(RolloutDecision).createQueryBuilder('decision')
    return page(query.where({ rolloutId }), ['number'], request)
  }
}
