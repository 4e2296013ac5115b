import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { ListMultipartUploadsCommand, S3Client } from '@aws-sdk/client-s3'
import type { Page } from '../../../contracts/rest/common.js'
import type { DataFile } from '../../../contracts/rest/data.js'
import { decodeCommit, decodeRef } from '../../../domain/data/commit.js'
import type { Rest } from '../../../sdk/rest.js'
import { objectUri } from '../../../stores/objects/object-uri.js'
import { openObjectStore } from '../../../stores/objects/open.js'
import type { S3Options } from '../../../stores/objects/s3-bucket.js'
import { sha256Hex } from '../../../stores/ids.js'
import type { KillStack } from '../../kill/stack.js'
import type { RefRow, RunRow, VersionRow } from './differences.js'
import type { SeenFile } from './tree.js'

const DAY_MS = 86_400_000
const PAGE = 10_000
const LISTED = 1_000
/** Files that are read at the same time. */
const AT_ONCE = 6

export interface CataloguedVersion extends VersionRow {
  readonly project: string
  /** SHA-256 of the commit object. */
  readonly commit: string | null
}

export interface CataloguedRef extends RefRow {
  readonly project: string
  readonly sequence: number
  readonly recorded: number
}

export const versionsOf = (stack: KillStack, dataset: string): Promise<CataloguedVersion[]> =>
  stack.query(
    `SELECT d.project, v.version, v.branch, v.parent_versions AS parents, v.message, v.manifest, v.files,
       v.bytes::float8 AS bytes, v.commit
     FROM dataset_versions v JOIN datasets d ON d.id = v.dataset_id WHERE d.name = $1 ORDER BY v.version`,
    [dataset],
  )

export const refsOf = (stack: KillStack, dataset: string): Promise<CataloguedRef[]> =>
  stack.query(
    `SELECT d.project, r.name, r.kind, r.version, r.sequence, r.recorded
     FROM data_refs r JOIN datasets d ON d.id = r.dataset_id WHERE d.name = $1`,
    [dataset],
  )

export const runsOf = (stack: KillStack, dataset: string): Promise<RunRow[]> =>
  stack.query(
    `SELECT id, kind, status, error->>'code' AS code FROM runs
     WHERE name = $1 AND kind IN ('push', 'pull', 'dataset') ORDER BY created_at`,
    [dataset],
  )

/** Transfers of runs that are over which still keep their data. */
export async function keptTransfers(stack: KillStack, dataset: string): Promise<string[]> {
  const rows = await stack.query<{ id: string; kind: string; status: string }>(
    `SELECT r.id, r.kind, r.status FROM data_transfers t JOIN runs r ON r.id = t.run_id
     WHERE r.name = $1 AND t.released_at IS NULL AND t.expires_at > now()
       AND r.status NOT IN ('accepted', 'running') AND r.next_attempt_at IS NULL`,
    [dataset],
  )
  return rows.map(
    ({ id, kind, status }) => `the transfer of ${kind} ${id}, which is ${status}, is not released`,
  )
}

/** Reads versions of a dataset as a client does. */
export class VersionReader {
  /** Content that was read whole, by its root. */
  private readonly known = new Map<string, string>()

  constructor(
    private readonly rest: Rest,
    private readonly dataset: string,
  ) {}

  async files(version: number): Promise<Map<string, SeenFile>> {
    const found = new Map<string, SeenFile>()
    const path = `/v1/datasets/${this.dataset}/versions/${version}/files?limit=${PAGE}`
    for (let after: string | undefined = ''; after !== undefined;) {
      const page: Page<DataFile> = await this.rest.get(
        `${path}${after && `&after=${encodeURIComponent(after)}`}`,
      )
      const unread = new Map(page.items.map(file => [rootOf(file), file]))
      for (const root of this.known.keys()) unread.delete(root)
      await Promise.all(Array.from({ length: AT_ONCE }, () => this.readAll(version, unread)))
      for (const file of page.items) {
        const sha256 = this.known.get(rootOf(file))!
        found.set(file.path, { sha256, bytes: file.bytes, isExecutable: file.executable })
      }
      after = page.nextCursor
    }
    return found
  }

  /** Files of other content than was read before. */
  private async readAll(version: number, unread: Map<string, DataFile>): Promise<void> {
    for (const [root, { path }] of unread) {
      unread.delete(root)
      const address = `/v1/datasets/${this.dataset}/versions/${version}/file?path=${encodeURIComponent(path)}`
      this.known.set(root, sha256Hex(await this.rest.download(address)))
    }
  }
}

const rootOf = ({ content }: DataFile): string => content?.chunk ?? content?.list ?? ''

/** What the object store says of versions and branches otherwise than the catalogue. */
export async function objectDifferences(
  stack: KillStack,
  dataset: string,
  versions: readonly CataloguedVersion[],
  refs: readonly CataloguedRef[],
): Promise<string[]> {
  const objects = await openObjectStore(stack.config())
  const contentOf = async (uri: string) => Buffer.concat(await (await objects.open(uri)).toArray())
  const problems: string[] = []
  for (const { project, version, manifest, parents, message, commit } of versions) {
    if (commit === null) {
      problems.push(`version ${version} has no commit in the object store`)
      continue
    }
    try {
      const found = decodeCommit(await contentOf(objectUri(project, commit, 'commits')))
      const before = versions.filter(each => parents.includes(each.version)).map(each => each.commit)
      const [said, expected] = [
        [found.dataset, found.version, found.manifest, found.message, ...found.parents],
        [dataset, version, manifest, message, ...before],
      ].map(each => JSON.stringify(each))
      if (said !== expected)
        problems.push(`the commit of version ${version} says ${said} instead of ${expected}`)
    } catch (error) {
      problems.push(`the commit of version ${version} cannot be read: ${(error as Error).message}`)
    }
  }
  const records = new Map<string, { sequence: number; version: number | null }>()
  const project = refs[0]?.project ?? 'default'
  for (let after: { after?: string } | null = {}; after !== null;) {
    const listed: readonly { uri: string }[] = await objects.list(project, 'refs', {
      ...after,
      limit: LISTED,
    })
    for (const { uri } of listed) {
      const content = await contentOf(uri)
      // Of versions of others that were collected.
      if ((JSON.parse(content.toString()) as { t?: unknown }).t === 'end') continue
      const record = decodeRef(content)
      const isLater = record.sequence > (records.get(record.name)?.sequence ?? 0)
      if (record.dataset === dataset && isLater) records.set(record.name, record)
    }
    after = listed.length < LISTED ? null : { after: listed.at(-1)!.uri }
  }
  for (const { kind, name, sequence, version } of refs) {
    const record = records.get(name)
    if (record?.sequence === sequence && record.version === version) continue
    const last = record ? `change ${record.sequence} to ${record.version}` : 'none'
    problems.push(`the last record of ${kind} ${name} is ${last} instead of change ${sequence} to ${version}`)
  }
  return problems
}

/** Objects that were never finished and that nothing would take back after a day. */
export async function leftObjects(stack: KillStack): Promise<string[]> {
  const config = stack.config()
  const { kind, s3, directory } = config.objects
  await (await openObjectStore(config)).removeStale(Date.now() + 2 * DAY_MS)
  const left =
    kind === 's3'
      ? await unfinishedUploads(s3)
      : await readdir(join(directory, '.tmp'), { recursive: true }).catch(() => [])
  return left.map(name => `${kind === 's3' ? 'upload' : '.tmp'}/${name} stays in the object store`)
}

async function unfinishedUploads({ bucket, accessKeyId, secretAccessKey, ...more }: S3Options) {
  const client = new S3Client({ ...more, credentials: { accessKeyId, secretAccessKey } })
  try {
    const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket: bucket }))
    return Uploads.map(({ Key = '' }) => Key)
  } finally {
    client.destroy()
  }
}
