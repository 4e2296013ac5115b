import { Readable } from 'node:stream'
import { Inject, Injectable } from '@nestjs/common'
import type { FastifyReply } from 'fastify'
import type { Page } from '../../contracts/rest/common.js'
import type { DataChange, DataFile } from '../../contracts/rest/data.js'
import type { FileEntry } from '../../domain/data/nodes.js'
import { selectorOf, type VersionSelector } from '../../domain/data/selector.js'
import { changesOf, filesOf, findFile } from '../../domain/data/walk.js'
import { MlforgeError } from '../../domain/errors.js'
import { PackStore } from '../../stores/packs/pack-store.js'
import { DatasetStore, type FilesContent } from '../../stores/postgres/dataset-store.js'
import type { DatasetVersion } from '../../stores/postgres/entities/dataset.js'
import { assertReadable } from '../../stores/postgres/readable.js'
import type { Principal } from '../http/request.js'
import { sendParts } from '../http/send-parts.js'

const DEFAULT_LIMIT = 1_000

interface FilesQuery {
  readonly after?: string
  readonly limit?: number
}

/** The files of versions, and their chunks. */
@Injectable()
export class FilesService {
  constructor(
    @Inject(DatasetStore) private readonly datasets: DatasetStore,
    @Inject(PackStore) private readonly packs: PackStore,
  ) {}

  /** In the order of their paths; the cursor is the last path. */
  async list(
    { project }: Principal,
    name: string,
    selector: VersionSelector,
    { after, limit = DEFAULT_LIMIT }: FilesQuery,
  ): Promise<Page<DataFile>> {
    const { manifest } = filesIn(name, await this.datasets.version(project, name, selector))
    return firstOf(filesOf(this.loader(project), manifest, after), limit, fileView, ({ path }) => path)
  }

  /** What one version has otherwise than another. */
  async diff(
    { project }: Principal,
    name: string,
    {
      from,
      to,
      after = '',
      limit = DEFAULT_LIMIT,
    }: FilesQuery & { readonly from: string; readonly to: string },
  ): Promise<Page<DataChange>> {
    const [one, other] = await Promise.all(
      [from, to].map(async each =>
        filesIn(name, await this.datasets.version(project, name, selectorOf(each))),
      ),
    )
    const changes = changesOf(this.loader(project), one!.manifest, other!.manifest, after)
    return firstOf(
      changes,
      limit,
      (change): DataChange => ({
        change: change.change,
        path: change.path,
        from: change.change === 'added' ? null : fileView(change.from),
        to: change.change === 'removed' ? null : fileView(change.to),
      }),
      ({ path }) => path,
    )
  }

  /** Sends a file; each chunk is verified before it is sent. */
  async download(
    { project }: Principal,
    name: string,
    selector: VersionSelector,
    path: string,
    reply: FastifyReply,
  ): Promise<void> {
    const version = await this.datasets.version(project, name, selector)
    const file = await findFile(this.loader(project), filesIn(name, version).manifest, path)
    if (file === null) {
      throw new MlforgeError(
        'not_found',
        `Version ${version.version} of dataset "${name}" has no file "${path}". Its files are at /v1/datasets/${name}/versions/${version.version}/files.`,
      )
    }
    void reply
      .header('content-type', 'application/octet-stream')
      .header('content-length', String(file.bytes))
      .header(
        'content-disposition',
        `attachment; filename*=UTF-8''${encodeURIComponent(path.split('/').at(-1)!)}`,
      )
      .send(Readable.from(this.packs.file(project, file), { objectMode: false }))
  }

  /**
   * Sends chunks as a pack, as they are stored: whoever gets them verifies each.
   * @param isWhole each is verified here, and read from another pack where it is damaged
   * @throws MlforgeError object_missing, object_corrupt before anything is sent
   */
  async chunks(
    { project }: Principal,
    chunks: readonly string[],
    isWhole: boolean,
    reply: FastifyReply,
  ): Promise<void> {
    const { packs } = this
    await sendParts(
      reply,
      await (isWhole ? packs.asWholePack(project, chunks) : packs.asPack(project, chunks)),
    )
  }

  private loader(project: string) {
    return this.packs.walk(project)
  }
}

/** The files of a version. @throws MlforgeError version_retired, wrong_state for one whose files are not in packs yet */
export function filesIn(dataset: string, row: DatasetVersion): FilesContent {
  const { version, manifest, files, bytes } = row
  assertReadable(dataset, row)
  if (manifest !== null) return { manifest, files: files!, bytes: Number(bytes) }
  throw new MlforgeError(
    'wrong_state',
    `The files of version ${version} of dataset "${dataset}" are being put into packs. Ask again in a minute.`,
  )
}

function fileView({ path, bytes, isExecutable, content }: FileEntry): DataFile {
  return { path, bytes, executable: isExecutable, content: content && { ...content } }
}

async function firstOf<T, U>(
  all: AsyncIterable<T>,
  limit: number,
  view: (item: T) => U,
  cursorOf: (item: T) => string,
): Promise<Page<U>> {
  const items: U[] = []
  let last: T | undefined
  for await (const item of all) {
    if (items.length === limit) return { items, nextCursor: cursorOf(last!) }
    items.push(view(item))
    last = item
  }
  return { items }
}
