import { Inject, Injectable } from '@nestjs/common'
import type { SensorPipeline, SensorSource as Requested } from '../../contracts/rest/sensors.js'
import type { Json } from '../../domain/canonical-json.js'
import type { Problem } from '../../domain/errors.js'
import { boundProblems } from '../../domain/pipelines/bounds.js'
import { givenProblems } from '../../domain/pipelines/given-parameters.js'
import { located } from '../../domain/pipelines/problems.js'
import { sourceOf } from '../../domain/sensors/requested-source.js'
import { PAYLOADS, type SensorSource } from '../../domain/sensors/sensor.js'
import { sourceProblems } from '../../domain/sensors/source-problems.js'
import type { Sensor } from '../../stores/postgres/entities/sensor.js'
import { PipelineStore } from '../../stores/postgres/pipeline-store.js'
import { invalidRequest } from '../http/validation.js'

type Work = Pick<Sensor, 'source' | 'pipeline' | 'parameters'>

/** What a sensor watches and runs: what no tick could ever do is found now, not at night. */
@Injectable()
export class SensorWork {
  constructor(@Inject(PipelineStore) private readonly pipelines: PipelineStore) {}

  /**
   * @param before what stays where the request leaves it out
   * @throws MlforgeError invalid_request with all that is wrong, not_found for a pipeline that is not there
   */
  async of(
    project: string,
    body: { readonly source?: Requested; readonly pipeline?: SensorPipeline },
    before?: Work,
  ): Promise<Work> {
    const source = body.source === undefined ? before!.source : sourceOf(body.source)
    const pipeline = body.pipeline?.name ?? before!.pipeline
    const parameters = body.pipeline
      ? ((body.pipeline.parameters ?? {}) as Record<string, Json>)
      : before!.parameters
    const { definition } = await this.pipelines.version(project, pipeline)
    const { isFit, problems: unfit } = boundProblems(parameters, ['pipeline', 'parameters'])
    const ofSource: Problem[] = 'at' in source ? [source] : sourceProblems(source, pipeline)
    const ofParameters =
      isFit && unfit.length === 0 && !('at' in source)
        ? givenProblems(definition, parameters, { root: 'tick', known: PAYLOADS[source.kind] }).map(each => ({
            ...each,
            at: `pipeline.${each.at}`,
          }))
        : unfit.map(located)
    const problems = [...ofSource, ...ofParameters]
    if (problems.length > 0) throw invalidRequest(problems)
    return { source: source as SensorSource, pipeline, parameters }
  }
}
