import type { EntityManager } from 'typeorm'
import type { DataFacts, DataRefFacts, DefinitionFacts } from '../../domain/check/data.js'
import { encodeRef } from '../../domain/data/commit.js'
import { definitionName } from '../../domain/data/definitions.js'
import { sha256Hex } from '../../stores/ids.js'
import { objectUri } from '../../stores/objects/object-uri.js'
import { DefinitionStore } from '../../stores/postgres/definition-store.js'

/** What the database holds of packs, branches, tags, suites and transformations, as a check looks at it. */
export async function dataRows(transaction: EntityManager): Promise<DataFacts> {
  const packs: { project: string; sha256: string; bytes: number }[] = await transaction.query(
    `SELECT project, encode(sha256, 'hex') AS sha256, bytes FROM data_packs ORDER BY project, sha256`,
  )
  const refs: RefRow[] = await transaction.query(
    `SELECT d.project, d.name AS dataset, r.dataset_id AS "datasetId", r.kind, r.name, r.version, r.sequence,
       r.principal, r.updated_at AS "updatedAt", r.recorded
     FROM data_refs r JOIN datasets d ON d.id = r.dataset_id ORDER BY d.project, d.name, r.name`,
  )
  const removed: { uri: string }[] = await transaction.query('SELECT uri FROM removed_objects ORDER BY uri')
  return {
    removedObjects: removed.map(({ uri }) => uri),
    dataPacks: packs.map(({ project, sha256, bytes }) => ({
      uri: objectUri(project, sha256, 'packs'),
      bytes,
    })),
    dataRefs: refs.map(factsOf),
    definitions: await definitionRows(transaction),
  }
}

async function definitionRows(transaction: EntityManager): Promise<DefinitionFacts[]> {
  const found: DefinitionFacts[] = []
  for await (const { definition, uri, isRecorded } of new DefinitionStore(transaction).all(null)) {
    if (isRecorded) found.push({ what: definitionName(definition), record: uri })
  }
  return found
}

interface RefRow {
  readonly project: string
  readonly dataset: string
  readonly datasetId: string
  readonly kind: 'branch' | 'tag'
  readonly name: string
  readonly version: number | null
  readonly sequence: number
  readonly principal: string
  readonly updatedAt: Date
  readonly recorded: number
}

function factsOf({ project, datasetId, recorded, updatedAt, ...ref }: RefRow): DataRefFacts {
  const { kind, name, version, sequence } = ref
  const record = encodeRef({ ...ref, at: updatedAt.toISOString() })
  const uri = recorded < sequence ? null : objectUri(project, sha256Hex(record), 'refs')
  return { datasetId, kind, name, version, record: uri }
}
