import { createHash } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { CommitDataset, DatasetCommit, DatasetVersion } from '../../contracts/rest/datasets.js'
import type { RunProblem } from '../../contracts/rest/operations.js'
import type { Upload } from '../../contracts/rest/uploads.js'
import { MlforgeError } from '../../domain/errors.js'
import { datasetPath, versionPath } from '../data/paths.js'
import { Refused, type Rest } from '../rest.js'
import { sha256Of } from './cache.js'
import { ended } from './ended.js'
import type { View } from './read.js'
import type { Session } from './session.js'
import { explained, text } from './sql.js'

export interface SaveOptions extends Pick<
  CommitDataset,
  'message' | 'branch' | 'expectations' | 'failedExpectations'
> {
  /**
   * The same key is the same commit, for 7 days. By itself it follows from the content, the dataset and what its branch
   * is at, so that a save that was killed can be called again.
   */
  readonly idempotencyKey?: string
}

/** A version; `created` is false where the newest one has this content already. */
export interface SavedVersion {
  readonly status: 'succeeded'
  readonly name: string
  readonly version: number
  /** `<branch>.quarantine` where it is not as expected, and was saved with `failedExpectations: 'quarantine'`. */
  readonly branch: string
  readonly root: string
  readonly created: boolean
  readonly commit: DatasetCommit
}

/** The data was refused, by an expectation or because its columns are not those of the dataset: no version. */
export interface RefusedSave {
  readonly status: 'refused'
  readonly name: string
  readonly error: RunProblem
  readonly commit: DatasetCommit
}

export type Saved = SavedVersion | RefusedSave

/** Times a commit that has ended without a version is begun again. */
const ROUNDS = 20
const PARQUET = 'application/vnd.apache.parquet'

/**
 * Makes the rows of a view the next version of a dataset.
 * @throws MlforgeError of a commit that failed; no_rows; Refused
 */
export async function save(
  rest: Rest,
  session: Session,
  view: View,
  dataset: string,
  { idempotencyKey, ...rest_ }: SaveOptions,
): Promise<Saved> {
  if (view.rows === 0) throw new MlforgeError('no_rows', 'There are no rows, and a version has one or more.')
  const file = join(session.directory, `${session.freshName('save').replace(' ', '-')}.parquet`)
  try {
    await session
      .run(`COPY (${view.sql}) TO ${text(file)} (FORMAT parquet, COMPRESSION zstd)`)
      .catch((error: unknown) => {
        throw explained(error, 'The table')
      })
    const columns = Object.fromEntries(view.schema.map(({ name, type }) => [name, { type }]))
    const asked = { ...rest_, columns }
    const key = idempotencyKey ?? (await keyOf(rest, file, dataset, asked))
    const sent = { contentType: PARQUET, idempotencyKey: key }
    const { id } = await rest.uploadFile<Upload>('/v1/uploads?format=parquet', file, sent)
    for (let round = 0; ; round++) {
      const begun = await rest.post<DatasetCommit>(
        `${datasetPath(dataset)}/versions`,
        { ...asked, upload: id },
        // What was refused may be accepted now, by another suite.
        { idempotencyKey: round === 0 ? key : `${key}-${round}` },
      )
      const isOver = !['accepted', 'running', 'succeeded'].includes(begun.status)
      if (isOver && idempotencyKey === undefined && round < ROUNDS) continue
      return outcomeOf(rest, dataset, await rest.follow<DatasetCommit>(begun.links.self))
    }
  } finally {
    await rm(file, { force: true })
  }
}

async function outcomeOf(rest: Rest, name: string, commit: DatasetCommit): Promise<Saved> {
  const { status, error } = commit
  if (status === 'refused' && error) return { status, name, error, commit }
  const { version } = ended(commit, 'Commit')
  const { root, branch } = await rest.get<DatasetVersion>(versionPath(name, String(version)))
  return { status: 'succeeded', name, version, branch, root, created: commit.created ?? true, commit }
}

/** What was saved before another version came may be saved again after it: that is another commit. */
async function keyOf(rest: Rest, file: string, dataset: string, asked: SaveOptions): Promise<string> {
  const before = await rest
    .get<DatasetVersion>(versionPath(dataset, asked.branch ?? 'latest'))
    .then(({ root }) => root)
    .catch((error: unknown) => {
      if (error instanceof Refused && error.problem.status === 404) return null
      throw error
    })
  const content = await sha256Of(file)
  const parts = JSON.stringify([dataset, before, content, asked])
  return `save-${createHash('sha256').update(parts).digest('hex')}`
}
