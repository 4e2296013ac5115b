import type { EntityManager } from 'typeorm'
import type { AssetCheckFacts } from '../../domain/check/assets.js'

/** What the database holds of assets and backfills, as a check looks at it. */
export async function assetRows(transaction: EntityManager): Promise<AssetCheckFacts> {
  return {
    materialisations: await transaction.query(
      `SELECT run_id AS "runId", asset, partition, backfill_id AS "backfillId"
       FROM asset_materialisations ORDER BY run_id`,
    ),
    backfillItems: await transaction.query(
      `SELECT run_id AS "runId", position, asset, partition, state, child
       FROM backfill_items ORDER BY run_id, position`,
    ),
  }
}
