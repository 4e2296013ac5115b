import { join } from 'node:path'
import { Inject, Injectable } from '@nestjs/common'
import type { DeploymentErrors } from '../../contracts/rest/errors.js'
import { errorsByMonth } from '../../stores/duckdb/predictions-errors.js'
import { writeLabels } from '../../stores/duckdb/predictions-labels.js'
import type { ObjectStore } from '../../stores/objects/object-store.js'
import { DeploymentStore } from '../../stores/postgres/deployment-store.js'
import { LabelStore } from '../../stores/postgres/label-store.js'
import { PredictionStore } from '../../stores/postgres/prediction-store.js'
import type { Principal } from '../http/request.js'
import { withTemporary } from '../http/temporary.js'
import { OBJECTS } from '../platform/tokens.js'

/** A query over the whole log of a deployment must not hold a request for ever. */
const DEADLINE_MS = 30_000

@Injectable()
export class ErrorsService {
  constructor(
    @Inject(OBJECTS) private readonly objects: ObjectStore,
    @Inject(DeploymentStore) private readonly deployments: DeploymentStore,
    @Inject(PredictionStore) private readonly predictions: PredictionStore,
    @Inject(LabelStore) private readonly labels: LabelStore,
  ) {}

  async byMonth(
    { project }: Principal,
    deployment: string,
    versions: readonly number[],
    sameRows: boolean,
  ): Promise<DeploymentErrors> {
    const { id } = await this.deployments.get(project, deployment)
    return withTemporary('errors', async directory => {
      const signal = AbortSignal.timeout(DEADLINE_MS)
      const options = { signal, temporaryDirectory: directory }
      const logged = await this.predictions.files(id)
      const files = await Promise.all(logged.map(({ uri }) => this.objects.toFile(uri, directory)))
      const labels = join(directory, 'labels.parquet')
      await writeLabels(this.labels.effective(id), labels, options)
      return { deployment, months: await errorsByMonth({ files, labels, versions, sameRows }, options) }
    })
  }
}
