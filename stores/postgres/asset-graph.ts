import type { EntityManager } from 'typeorm'
import type { AssetDefinition } from '../../domain/assets/definition.js'
import { withNeeds } from '../../domain/assets/graph.js'
import { AssetGraph, type AssetNow, type Made } from '../../domain/assets/staleness.js'
import { canonicalJson, type Json } from '../../domain/canonical-json.js'
import { MAIN } from '../../domain/data/selector.js'
import { sha256Hex } from '../ids.js'

/** What a graph of assets is read with. */
export interface GraphRequest {
  readonly project: string
  /** Epoch milliseconds. */
  readonly now: number
  /** Those that are looked at, with all they rest on; every asset where it is left out. */
  readonly names?: readonly string[]
  /** Materialisations that are looked at; the newest ones of all where it is left out. */
  readonly only?: (graph: AssetGraph) => Iterable<readonly [asset: string, partition: string]>
}

interface AssetRow {
  readonly version: number
  readonly definition: AssetDefinition
  readonly shapeSha256: string
  readonly pipelineSha256: string | null
  readonly root: string | null
  readonly keys: readonly string[] | null
}

type MadeRow = Made & { readonly asset: string; readonly partition: string }

/** Hash of what makes an asset: its pipeline's definition, and the parameters that it is given. */
export function codeHash(pipelineSha256: string, parameters: Readonly<Record<string, Json>>): string {
  return sha256Hex(canonicalJson({ pipeline: pipelineSha256, parameters }))
}

/** The assets of a project as they are now, with what was made of them. */
export async function readAssetGraph(manager: EntityManager, request: GraphRequest): Promise<AssetGraph> {
  const { project, now, names, only } = request
  const rows: AssetRow[] = await manager.query(ASSETS, [project])
  const all = new Map(rows.map(row => [row.definition.name, row]))
  const definitions = new Map(rows.map(({ definition }) => [definition.name, definition]))
  const chosen = names ? withNeeds(definitions, names) : new Set(all.keys())
  const assets = new Map<string, AssetNow>()
  const sources = new Map<string, string | null>()
  const dynamic = new Map<string, readonly string[]>()
  for (const [name, { definition, version, shapeSha256, pipelineSha256, root, keys }] of all) {
    if (!chosen.has(name)) continue
    const { make, source } = definition
    const codeSha256 = make && pipelineSha256 !== null ? codeHash(pipelineSha256, make.parameters) : null
    assets.set(name, { definition, version, shapeSha256, codeSha256 })
    if (source) sources.set(name, root)
    if (keys) dynamic.set(name, keys)
  }
  const made = new Map<string, MadeRow>()
  const facts = {
    now,
    assets,
    sources,
    dynamic,
    hash: sha256Hex,
    made: (asset: string, partition: string) => made.get(`${asset}/${partition}`),
  }
  const graph = new AssetGraph(facts)
  const found: MadeRow[] = only
    ? await someMade(manager, project, Array.from(only(graph)))
    : await manager.query(NEWEST, [project, [...assets.keys()]])
  for (const row of found) made.set(`${row.asset}/${row.partition}`, row)
  return graph
}

async function someMade(
  manager: EntityManager,
  project: string,
  pairs: readonly (readonly [string, string])[],
): Promise<MadeRow[]> {
  const [assets, partitions] = [pairs.map(([asset]) => asset), pairs.map(([, partition]) => partition)]
  return manager.query(SOME, [project, assets, partitions])
}

const ASSETS = `
  SELECT version.version, version.definition, version.shape_sha256 AS "shapeSha256",
    (SELECT newest.sha256 FROM pipelines AS pipeline
       JOIN pipeline_versions AS newest
         ON newest.pipeline_id = pipeline.id AND newest.version = pipeline.version
       WHERE pipeline.project = asset.project AND pipeline.deleted_at IS NULL
         AND pipeline.name = version.definition->'make'->>'pipeline') AS "pipelineSha256",
    (SELECT content.root FROM datasets AS dataset
       JOIN data_refs AS ref ON ref.dataset_id = dataset.id AND ref.name = '${MAIN}'
       JOIN dataset_versions AS content ON content.dataset_id = dataset.id AND content.version = ref.version
       WHERE dataset.project = asset.project AND dataset.name = version.definition->'source'->>'dataset') AS root,
    (SELECT array_agg(part.key ORDER BY part.key COLLATE "C") FROM asset_partitions AS part
       WHERE part.asset_id = asset.id) AS keys
  FROM assets AS asset
  JOIN asset_versions AS version ON version.asset_id = asset.id AND version.version = asset.version
  WHERE asset.project = $1 AND asset.deleted_at IS NULL
  ORDER BY asset.name`

const MADE = `asset, partition, definition_version AS "definitionVersion", shape_sha256 AS "shapeSha256",
  code_sha256 AS "codeSha256", data_sha256 AS "dataSha256", inputs`

const NEWEST = `
  SELECT DISTINCT ON (asset, partition) ${MADE} FROM asset_materialisations
  WHERE project = $1 AND asset = ANY($2)
  ORDER BY asset, partition, at DESC, run_id DESC`

const SOME = `
  SELECT made.* FROM (SELECT DISTINCT * FROM unnest($2::text[], $3::text[])) AS wanted(asset, partition)
  JOIN LATERAL (
    SELECT ${MADE} FROM asset_materialisations AS each
    WHERE each.project = $1 AND each.asset = wanted.asset AND each.partition = wanted.partition
    ORDER BY at DESC, run_id DESC LIMIT 1) AS made ON true`
