import { Inject, Injectable } from '@nestjs/common'
import type { StartTraining } from '../../contracts/rest/trainings.js'
import { selectorOf } from '../../domain/data/selector.js'
import { buildTrainingSpec, type DatasetFacts } from '../../domain/training/build-spec.js'
import type { TrainingSpec } from '../../domain/training/spec.js'
import { DatasetStore } from '../../stores/postgres/dataset-store.js'

/** Makes of a request the complete specification that a run is accepted with. */
@Injectable()
export class TrainingPlanner {
  constructor(@Inject(DatasetStore) private readonly datasets: DatasetStore) {}

  /** @throws MlforgeError not_found, or what the request has wrong for this dataset, all at once */
  async plan(project: string, request: StartTraining): Promise<TrainingSpec> {
    const { name, version = 'latest' } = request.dataset
    const row = await this.datasets.table(project, name, selectorOf(version))
    const facts = { ...row, name } as DatasetFacts
    return buildTrainingSpec(request, facts)
  }
}
