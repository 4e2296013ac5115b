import type { EntityManager } from 'typeorm'
import type { AssetDefinition } from '../../domain/assets/definition.js'
import { shapeOf } from '../../domain/assets/staleness.js'
import { canonicalJson, type Json } from '../../domain/canonical-json.js'
import { sha256Hex, uuidv7 } from '../ids.js'
import { Asset, AssetVersion } from './entities/asset.js'

export interface AppliedAsset {
  readonly definition: AssetDefinition
  readonly version: number
  readonly sha256: string
  /** False where the definition is the newest one already. */
  readonly created: boolean
}

/** The newest definitions of all assets of a project. */
export async function definitionsIn(
  manager: EntityManager,
  project: string,
): Promise<ReadonlyMap<string, AssetDefinition>> {
  const rows: { definition: AssetDefinition }[] = await manager.query(
    `SELECT version.definition FROM assets AS asset
     JOIN asset_versions AS version ON version.asset_id = asset.id AND version.version = asset.version
     WHERE asset.project = $1 AND asset.deleted_at IS NULL`,
    [project],
  )
  return new Map(rows.map(({ definition }) => [definition.name, definition]))
}

export async function versionIn(
  manager: EntityManager,
  { id: assetId, version }: Pick<Asset, 'id' | 'version'>,
): Promise<AssetVersion | null> {
  return manager.findOneBy(AssetVersion, { assetId, version })
}

/** Makes a definition the newest version of its asset, unless it is that already. */
export async function applyAsset(
  transaction: EntityManager,
  { project, principal, definition }: { project: string; principal: string; definition: AssetDefinition },
): Promise<AppliedAsset> {
  const { name } = definition
  await transaction.query(
    `INSERT INTO assets (id, project, name, version, created_at) VALUES ($1, $2, $3, 0, now()) ON CONFLICT DO NOTHING`,
    [uuidv7(), project, name],
  )
  const asset = await transaction.findOneByOrFail(Asset, { project, name })
  const applied = against(definition, await versionIn(transaction, asset), asset.version)
  const { version, sha256, created } = applied
  if (created) {
    const shapeSha256 = sha256Hex(shapeOf(definition))
    const createdAt = new Date()
    const row = { assetId: asset.id, version, definition, sha256, shapeSha256, principal, createdAt }
    // The type of a partial row does not end for values as deep as JSON.
    await transaction.insert(AssetVersion, row as object)
  }
  await transaction.update(Asset, { id: asset.id }, { version, deletedAt: null })
  return applied
}

/** What applying a definition comes to. */
export function against(
  definition: AssetDefinition,
  before: AssetVersion | null,
  newest: number,
): AppliedAsset {
  const sha256 = sha256Hex(canonicalJson(definition as unknown as Json))
  const created = before?.sha256 !== sha256
  return { definition, version: created ? newest + 1 : newest, sha256, created }
}
