import { createHash } from 'node:crypto'
import type { ComparableState } from '../../../domain/check/comparable.js'
import type { CheckReport } from '../../../domain/check/report.js'
import { identityInput, type ConversionSpec } from '../../../domain/datasets/conversion.js'
import { DUCKDB_VERSION } from '../../../stores/duckdb/duckdb.js'
import { sha256Hex } from '../../../stores/ids.js'
import type { KillStack } from '../stack.js'
import { namesOf } from './scenario.js'

/**
 * What `mlforge check` says of the work of one scenario, with its names and the hashes of its own file
 * in place of which any other scenario has others: the rest must be equal to the byte. Problems are
 * those of the whole stack.
 */
export async function trainingState(
  stack: KillStack,
  prefix: string,
  csv: string,
  withOther: boolean,
): Promise<ComparableState> {
  const report = await stack.check()
  const raw = createHash('sha256').update(csv).digest('hex')
  const mine = ofScenario(report, prefix, raw, withOther)
  const root = sha256Hex(identityInput(raw, await conversionOf(stack, prefix), DUCKDB_VERSION))
  const text = JSON.stringify(mine)
    .replaceAll(raw, '<file>')
    .replaceAll(root, '<root of file>')
    .replaceAll(prefix, '<name>')
  return JSON.parse(text) as ComparableState
}

function ofScenario(
  { comparable }: CheckReport,
  prefix: string,
  raw: string,
  withOther: boolean,
): ComparableState {
  const { other, ...names } = namesOf(prefix)
  const wanted = new Set([...Object.values(names), ...(withOther ? [other] : [])])
  const named = <T extends { name: string }>(items: readonly T[]) =>
    items.filter(({ name }) => wanted.has(name))
  return {
    ...comparable,
    datasets: named(comparable.datasets),
    models: named(comparable.models),
    deployments: named(comparable.deployments),
    schedules: named(comparable.schedules),
    effects: named(comparable.effects),
    runs: named(comparable.runs),
    uploads: comparable.uploads.filter(({ sha256 }) => sha256 === raw),
  }
}

async function conversionOf(stack: KillStack, dataset: string): Promise<ConversionSpec> {
  const rows = await stack.query<{ conversion: ConversionSpec }>(
    `SELECT v.conversion FROM dataset_versions v JOIN datasets d ON d.id = v.dataset_id
     WHERE d.name = $1 ORDER BY v.version LIMIT 1`,
    [dataset],
  )
  if (rows[0] === undefined) throw new Error(`Dataset ${dataset} has no version.`)
  return rows[0].conversion
}
