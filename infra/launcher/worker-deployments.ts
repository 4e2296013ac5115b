import { Client, Connection, isGrpcServiceError } from '@temporalio/client'
import type { Config } from '../../config/config.js'
import { MlforgeError } from '../../domain/errors.js'
import { didYouMean } from '../../domain/suggest.js'

const DEADLINE_MS = 10_000
/** gRPC's NOT_FOUND. */
const NOT_FOUND = 5

export interface WorkerBuild {
  readonly build: string
  /** `current`: takes all workflows; `ramping`: a part of those that begin; else as Temporal says. */
  readonly role: 'current' | 'ramping' | 'other'
  /** Of a ramping one: percent of the workflows that begin. */
  readonly percent: number | null
  /** Whether something still works on it, as Temporal says; null where it does not say. */
  readonly drainage: 'draining' | 'drained' | null
}

/** Builds of the workflow workers of a deployment, by Temporal's worker versioning. */
export class WorkerDeployments {
  private constructor(
    private readonly connection: Connection,
    private readonly client: Client,
    private readonly deploymentName: string,
  ) {}

  /** @throws MlforgeError configuration_invalid where workers are not versioned */
  static async connect({
    temporal,
    worker,
  }: Pick<Config, 'temporal' | 'worker'>): Promise<WorkerDeployments> {
    if (worker.deployment === '') {
      throw new MlforgeError(
        'configuration_invalid',
        'Workers are not versioned here. Set worker.deployment (MLFORGE_WORKER_DEPLOYMENT), and start them again.',
      )
    }
    const { address, tls, namespace } = temporal
    const connection = await Connection.connect({ address, tls, connectTimeout: DEADLINE_MS })
    return new WorkerDeployments(connection, new Client({ connection, namespace }), worker.deployment)
  }

  async close(): Promise<void> {
    await this.connection.close()
  }

  /** All builds that Temporal knows; none before a worker has polled. */
  async builds(): Promise<WorkerBuild[]> {
    const { namespace } = this.client.options
    const { deploymentName } = this
    try {
      const { workerDeploymentInfo: info } = await this.within(() =>
        this.client.workflowService.describeWorkerDeployment({ namespace, deploymentName }),
      )
      const { currentDeploymentVersion, rampingDeploymentVersion, rampingVersionPercentage } =
        info?.routingConfig ?? {}
      return (info?.versionSummaries ?? []).map(({ deploymentVersion, drainageStatus }) => {
        const build = deploymentVersion?.buildId ?? ''
        const isRamping = build === rampingDeploymentVersion?.buildId
        return {
          build,
          role: build === currentDeploymentVersion?.buildId ? 'current' : isRamping ? 'ramping' : 'other',
          percent: isRamping ? (rampingVersionPercentage ?? 0) : null,
          drainage: DRAINAGE[Number(drainageStatus ?? 0)] ?? null,
        }
      })
    } catch (error) {
      if (isGrpcServiceError(error) && Number(error.code) === NOT_FOUND) return []
      throw error
    }
  }

  /**
   * Lets a build take workflows: all of them, those that are open too, or a part of those that begin.
   * @param percent of the workflows that begin; undefined for all
   * @throws MlforgeError not_found for a build that no worker has
   */
  async promote(buildId: string, percent?: number): Promise<void> {
    const known = (await this.builds()).map(({ build }) => build)
    if (!known.includes(buildId)) {
      throw new MlforgeError(
        'not_found',
        `No worker of "${this.deploymentName}" has the build "${buildId}".${didYouMean(buildId, known)} Known: ${known.join(', ') || 'none'}.`,
      )
    }
    const { namespace } = this.client.options
    const { deploymentName } = this
    const request = { namespace, deploymentName, buildId, identity: 'mlforge workers' }
    await this.within(() =>
      percent === undefined
        ? this.client.workflowService.setWorkerDeploymentCurrentVersion(request)
        : this.client.workflowService.setWorkerDeploymentRampingVersion({ ...request, percentage: percent }),
    )
  }

  private within<T>(call: () => Promise<T>): Promise<T> {
    return this.connection.withDeadline(Date.now() + DEADLINE_MS, call)
  }
}

/** By the numbers of VersionDrainageStatus. */
const DRAINAGE: readonly (WorkerBuild['drainage'] | undefined)[] = [undefined, 'draining', 'drained']
