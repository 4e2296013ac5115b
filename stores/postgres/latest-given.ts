import { MAIN } from '../../domain/data/selector.js'

/**
 * Number of the newest version of the main branch whose table somebody gave; predictions were joined to those after it.
 * @param dataset id of the dataset, as it stands in the statement
 */
export function latestGivenSql(dataset: string): string {
  return `WITH RECURSIVE line AS (
      SELECT v.version, v.parent_versions, v.parquet IS NOT NULL AND v.conversion->'joined' IS NULL AS is_given
      FROM data_refs ref JOIN dataset_versions v ON v.dataset_id = ref.dataset_id AND v.version = ref.version
      WHERE ref.dataset_id = ${dataset} AND ref.name = '${MAIN}'
      UNION ALL
      SELECT v.version, v.parent_versions, v.parquet IS NOT NULL AND v.conversion->'joined' IS NULL
      FROM line JOIN dataset_versions v ON v.dataset_id = ${dataset} AND v.version = line.parent_versions[1]
      WHERE NOT line.is_given)
    SELECT version FROM line WHERE is_given`
}
