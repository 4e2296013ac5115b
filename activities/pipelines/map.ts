import type { ContentRef, RunInput } from '../../contracts/temporal/messages.js'
import type { MapPlan, MapRequest, StepOutcome } from '../../contracts/temporal/pipelines.js'
import { canonicalJson, type Json } from '../../domain/canonical-json.js'
import { MlforgeError } from '../../domain/errors.js'
import { beatWhile } from '../heartbeats.js'
import { readJson } from '../objects.js'
import type { Ports } from '../ports.js'

const ITEMS_AT_ONCE = 500

/** What a map does beside its items. */
export function mapActivities({
  runs,
  ledger,
  pipelineRuns,
  objects,
}: Pick<Ports, 'runs' | 'ledger' | 'pipelineRuns' | 'objects'>) {
  const requestOf = async ({ project, runId }: RunInput) =>
    (await runs.get(project, runId)).request as MapRequest

  return {
    /** What is done with how many items, and which of them are finished. */
    async planMap(input: RunInput): Promise<MapPlan> {
      const request = await requestOf(input)
      const definition = await pipelineRuns.definitionOf(await runs.get(input.project, request.runId))
      const inner = definition.steps.find(({ name }) => name === request.step)?.do
      if (!inner) throw new MlforgeError('internal', `Run ${input.runId} is of no map.`)
      return {
        item: {
          uses: inner.uses,
          ...(inner.timeoutSeconds === undefined ? {} : { timeoutSeconds: inner.timeoutSeconds }),
        },
        request,
        from: await ledger.finishedItems(request),
      }
    },

    /** What all items gave, as one JSON list in their order; null for those that gave nothing. */
    async collectMap(input: RunInput): Promise<{ results: ContentRef }> {
      const request = await requestOf(input)
      return beatWhile('collecting', async () => ({
        results: await objects.write(input.project, resultsOf(request)),
      }))
    },
  }

  async function* resultsOf({ runId, step, generation, count }: MapRequest): AsyncGenerator<Buffer> {
    yield Buffer.from('[')
    for (let from = 0; from < count; from += ITEMS_AT_ONCE) {
      const names = Array.from(
        { length: Math.min(ITEMS_AT_ONCE, count - from) },
        (_, i) => `${step}/${from + i}`,
      )
      const rows = await ledger.finished(runId, names)
      const outcomes = new Map(
        rows.filter(row => row.generation === generation).map(row => [row.step, row.outcome as StepOutcome]),
      )
      for (const [i, name] of names.entries()) {
        const { outputs, outputsAt } = outcomes.get(name) ?? {}
        const value: Json = outputs ?? (outputsAt ? await readJson<Json>(objects, outputsAt.uri) : null)
        yield Buffer.from(`${from + i === 0 ? '' : ','}${canonicalJson(value)}`)
      }
    }
    yield Buffer.from(']')
  }
}

export type MapActivities = ReturnType<typeof mapActivities>
