import { Inject, Injectable } from '@nestjs/common'
import type { StartTraining } from '../../contracts/rest/trainings.js'
import { selectorOf } from '../../domain/data/selector.js'
import { replayProblems, type TransformationRef } from '../../domain/models/replayed.js'
import { featuresIn, type SignatureFeature } from '../../domain/models/signature.js'
import { buildTrainingSpec, type DatasetFacts } from '../../domain/training/build-spec.js'
import type { TrainingSpec } from '../../domain/training/spec.js'
import { transformationMismatch } from '../../domain/transformations/problems.js'
import { DatasetStore } from '../../stores/postgres/dataset-store.js'
import { TransformationStore } from '../../stores/postgres/transformation-store.js'

/** Makes of a request the complete specification that a run is accepted with. */
@Injectable()
export class TrainingPlanner {
  constructor(
    @Inject(DatasetStore) private readonly datasets: DatasetStore,
    @Inject(TransformationStore) private readonly transformations: TransformationStore,
  ) {}

  /** @throws MlforgeError not_found, or what the request has wrong for this dataset, all at once */
  async plan(project: string, request: StartTraining): Promise<TrainingSpec> {
    const { name, version = 'latest' } = request.dataset
    const row = await this.datasets.table(project, name, selectorOf(version))
    const facts = { ...row, name } as DatasetFacts
    const spec = buildTrainingSpec(request, facts)
    const { transformation, features } = spec
    if (transformation) await this.assertReplayed(project, transformation, featuresIn(facts.schema, features))
    return spec
  }

  /** What the run itself would find: sooner. */
  private async assertReplayed(
    project: string,
    transformation: TransformationRef,
    features: readonly SignatureFeature[],
  ): Promise<void> {
    const { name, version } = transformation
    const fitted = await this.transformations.version(project, name, version)
    const problems = replayProblems(transformation, fitted, features)
    if (problems.length > 0) throw transformationMismatch(problems)
  }
}
