import { type DataSource, type EntityManager, LessThan, type SelectQueryBuilder } from 'typeorm'
import { refNameProblem } from '../../domain/data/selector.js'
import { MlforgeError } from '../../domain/errors.js'
import { DataRef } from './entities/data.js'
import { Dataset, DatasetVersion } from './entities/dataset.js'
import { assertReadable } from './readable.js'
import { page, type PageOf, type PageRequest } from './paging.js'

export interface MoveRef {
  readonly kind: DataRef['kind']
  readonly name: string
  /** Null removes it. */
  readonly version: number | null
  readonly principal: string
}

type NamedRef = DataRef & { readonly dataset: string }

/** Refs that are read at once. */
const BATCH = 500

/** Branches and tags of datasets. */
export class RefStore {
  constructor(private readonly dataSource: DataSource) {}

  async list(datasetId: string, kind: DataRef['kind'], request: PageRequest): Promise<PageOf<DataRef>> {
    const query = this.dataSource
      .getRepository(DataRef)
      .createQueryBuilder('ref')
      .where({ datasetId, kind })
      .andWhere('ref.version IS NOT NULL')
    return page(query, ['name'], request, 'ASC')
  }

  /** Changes that are not in the object store yet, with the names of their datasets. */
  async unrecorded(project: string, limit: number): Promise<NamedRef[]> {
    return named(
      this.inProject(project).where('ref.recorded < ref.sequence').orderBy('ref.updated_at').limit(limit),
    )
  }

  /** All branches and tags, removed ones too, with the names of their datasets. */
  async *all(project: string): AsyncGenerator<NamedRef> {
    for (let after = ['00000000-0000-0000-0000-000000000000', '']; ;) {
      const found = await named(
        this.inProject(project)
          .where('(ref.dataset_id, ref.name) > (:id::uuid, :name)', { id: after[0], name: after[1] })
          .orderBy('ref.dataset_id')
          .addOrderBy('ref.name')
          .limit(BATCH),
      )
      yield* found
      const last = found.at(-1)
      if (last === undefined) return
      after = [last.datasetId, last.name]
    }
  }

  async recorded({ datasetId, name, sequence }: DataRef): Promise<void> {
    await this.dataSource
      .getRepository(DataRef)
      .update({ datasetId, name, recorded: LessThan(sequence) }, { recorded: sequence })
  }

  /**
   * Points a branch or a tag at a version that is there.
   * @param expected what it must point at still; undefined for whatever it does
   * @throws MlforgeError invalid_request for a name that cannot be, not_found, already_exists, branch_moved
   */
  async move(dataset: Dataset, move: MoveRef, expected?: number | null): Promise<DataRef> {
    return this.dataSource.transaction(async transaction => {
      // As for new versions: whoever moves a branch of a dataset takes turns.
      await transaction.findOneOrFail(Dataset, {
        where: { id: dataset.id },
        lock: { mode: 'pessimistic_write' },
      })
      const before = await refIn(transaction, dataset.id, move.name)
      if (before && before.version !== null && before.kind !== move.kind) {
        throw new MlforgeError(
          'already_exists',
          `"${move.name}" is a ${before.kind} of dataset "${dataset.name}". Choose another name.`,
        )
      }
      const at = before?.version ?? null
      if (expected !== undefined && at !== expected) throw branchMoved(dataset.name, move.name, at)
      if (move.version === null) {
        if (at === null)
          throw new MlforgeError('not_found', `Dataset "${dataset.name}" has no ${move.kind} "${move.name}".`)
      } else {
        const { version } = move
        const found = await transaction.findOneBy(DatasetVersion, { datasetId: dataset.id, version })
        if (!found)
          throw new MlforgeError('not_found', `Dataset "${dataset.name}" has no version ${version}.`)
        assertReadable(dataset.name, found)
      }
      return moveRefIn(transaction, dataset.id, move)
    })
  }

  private inProject(project: string): SelectQueryBuilder<DataRef> {
    return this.dataSource
      .getRepository(DataRef)
      .createQueryBuilder('ref')
      .innerJoin(Dataset, 'dataset', 'dataset.id = ref.dataset_id AND dataset.project = :project', {
        project,
      })
      .addSelect('dataset.name', 'dataset')
  }
}

async function named(query: SelectQueryBuilder<DataRef>): Promise<NamedRef[]> {
  const { entities, raw } = await query.getRawAndEntities<{ dataset: string }>()
  return entities.map((ref, i) => ({ ...ref, dataset: raw[i]!.dataset }))
}

/** A branch or tag, one that was removed too. */
export async function refIn(
  manager: EntityManager,
  datasetId: string,
  name: string,
): Promise<DataRef | null> {
  return manager.findOneBy(DataRef, { datasetId, name })
}

/** Moves it, within the transaction of whoever has locked the dataset. */
export async function moveRefIn(
  transaction: EntityManager,
  datasetId: string,
  { kind, name, version, principal }: MoveRef,
): Promise<DataRef> {
  const problem = refNameProblem(name)
  if (problem !== null) {
    throw new MlforgeError('invalid_request', `"${name}" cannot name a ${kind}: ${problem}`)
  }
  await transaction.query(
    `INSERT INTO data_refs AS known (dataset_id, name, kind, version, sequence, principal, updated_at, recorded)
     VALUES ($1, $2, $3, $4, 1, $5, now(), 0)
     ON CONFLICT (dataset_id, name) DO UPDATE
       SET kind = $3, version = $4, sequence = known.sequence + 1, principal = $5, updated_at = now()
       WHERE known.version IS DISTINCT FROM $4`,
    [datasetId, name, kind, version, principal],
  )
  return transaction.findOneByOrFail(DataRef, { datasetId, name })
}

/** A branch is no longer where somebody has seen it. */
export function branchMoved(dataset: string, branch: string, at: number | null): MlforgeError {
  const where = at === null ? 'is not there' : `is at version ${at}`
  return new MlforgeError(
    'branch_moved',
    `Branch "${branch}" of dataset "${dataset}" ${where} by now. Put your commits on top of it (mlforge data pull --rebase), or push to another branch.`,
    { branch, version: at },
  )
}
