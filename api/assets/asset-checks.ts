import { Inject, Injectable } from '@nestjs/common'
import type { AssetDefinition } from '../../domain/assets/definition.js'
import { readAssets } from '../../domain/assets/read.js'
import { type Surroundings, validateAssets } from '../../domain/assets/validate.js'
import { MlforgeError } from '../../domain/errors.js'
import type { PipelineDefinition } from '../../domain/pipelines/definition.js'
import { located } from '../../domain/pipelines/problems.js'
import { Reader } from '../../domain/pipelines/reader.js'
import { AssetStore } from '../../stores/postgres/asset-store.js'

/** Judges definitions of assets by all there is. */
@Injectable()
export class AssetChecks {
  constructor(@Inject(AssetStore) private readonly assets: AssetStore) {}

  /** What the definitions refer to beside other assets. */
  async surroundings(project: string, given: unknown): Promise<Omit<Surroundings, 'assets'>> {
    const read = readAssets(given, new Reader())
    const named = read.flatMap(({ definition: { make } }) => (make ? [make.pipeline] : []))
    const { pipelines, pipelineNames, datasetNames } = await this.assets.surroundings(project, named)
    return {
      pipelines: new Map(pipelines.map((each): [string, PipelineDefinition] => [each.name, each])),
      pipelineNames,
      datasetNames,
      now: Date.now(),
    }
  }

  /** @throws MlforgeError asset_invalid with everything that is wrong */
  definitions(given: unknown, around: Surroundings): AssetDefinition[] {
    const reader = new Reader()
    const read = readAssets(given, reader)
    validateAssets(read, around, reader)
    if (reader.problems.length === 0) return read.map(({ definition }) => definition)
    const problems = reader.problems.map(located)
    const [first] = problems
    const more = problems.length > 1 ? ` (and ${problems.length - 1} more, see problems)` : ''
    throw new MlforgeError('asset_invalid', `${first!.at}: ${first!.message}${more}`, { problems })
  }
}
