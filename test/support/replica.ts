import { setTimeout as wait } from 'node:timers/promises'
import { uuidv7 } from '../../stores/ids.js'
import type { DeploymentStore } from '../../stores/postgres/deployment-store.js'

/**
 * Reports as a serving replica does, at once and for every plan, without serving: for tests of what waits
 * for replicas. The real ones are in test/serving and test/e2e.
 */
export class ReportingReplica {
  readonly id = uuidv7()
  private readonly stopped = new AbortController()
  private readonly running: Promise<void>

  constructor(
    private readonly deployments: DeploymentStore,
    private readonly project: string,
  ) {
    this.running = this.run()
  }

  private async run(): Promise<void> {
    const { signal } = this.stopped
    while (!signal.aborted) {
      const plans = await this.deployments.plansInForce(this.project)
      await this.deployments.report(
        this.project,
        plans.map(({ deploymentId, revision }) => ({
          replica: this.id,
          deploymentId,
          revision,
          problem: null,
          address: 'http://127.0.0.1:1',
        })),
      )
      await wait(20, undefined, { signal }).catch(() => undefined)
    }
  }

  async stop(): Promise<void> {
    this.stopped.abort()
    await this.running
    await this.deployments.leave(this.id)
  }
}
