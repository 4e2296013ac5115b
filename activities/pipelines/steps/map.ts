import type { MapRequest, MapResult } from '../../../contracts/temporal/pipelines.js'
import type { Json } from '../../../domain/canonical-json.js'
import { MlforgeError } from '../../../domain/errors.js'
import type { TableValue } from '../../../domain/pipelines/values.js'
import { NOT_RETRIED } from '../../../domain/runs/retry-policy.js'
import { withDuckDb } from '../../../stores/duckdb/duckdb.js'
import { readJson } from '../../objects.js'
import type { Ports } from '../../ports.js'
import { withScratch } from '../../scratch.js'
import type { ChildKind } from '../child-steps.js'
import { writeItems } from '../map-items.js'

const MAX_ITEMS = 100_000
const MAX_PARALLEL = 200

/** Does a step with each item of a list, as a run of its own: its history is not the pipeline's. */
export function mapStep({ objects, scratch }: Pick<Ports, 'objects' | 'scratch'>): ChildKind {
  return {
    async request({ project, name, runId, step, generation }, inputs) {
      const [parallel, maxFailures] = [Number(inputs['parallel']), Number(inputs['maxFailures'])]
      if (parallel < 1 || parallel > MAX_PARALLEL) throw invalid(`parallel: Must be 1 to ${MAX_PARALLEL}.`)
      if (maxFailures < 0) throw invalid('maxFailures: Must be 0 or more.')
      const items = await itemsOf(project, inputs['items'] ?? null)
      if (items.length > MAX_ITEMS) {
        throw invalid(`items: ${items.length} are more than ${MAX_ITEMS}. Put several into one.`)
      }
      const pages = await writeItems(objects, project, items)
      const request: MapRequest = {
        runId,
        step,
        generation,
        count: items.length,
        pages,
        parallel,
        maxFailures,
      }
      // Its pipeline's run is what is retried; it goes on with it where it was.
      return { kind: 'map', name, request, retryPolicy: NOT_RETRIED }
    },

    async outputs(_, { result }) {
      const { count, failed, results } = result as MapResult
      return { count, failed, results: results ? await readJson<Json>(objects, results.uri) : [] }
    },
  }

  async function itemsOf(project: string, value: Json): Promise<readonly Json[]> {
    if (Array.isArray(value)) return value as readonly Json[]
    const table = value as unknown as TableValue | null
    // It may come as JSON from anywhere.
    if (table?.kind !== 'table' || !table.uri?.startsWith(`${project}/`)) {
      throw invalid(`items: Must be a list, or a table of project ${project}.`)
    }
    return withScratch(scratch, async directory => {
      const file = await objects.toFile(table.uri, directory)
      return withDuckDb({ temporaryDirectory: directory }, db =>
        db.query(`SELECT * FROM read_parquet('${file.replaceAll("'", "''")}') LIMIT ${MAX_ITEMS + 1}`),
      )
    })
  }
}

function invalid(message: string): MlforgeError {
  return new MlforgeError('step_input_invalid', message)
}
