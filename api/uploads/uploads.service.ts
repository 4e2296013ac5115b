import type { IncomingMessage } from 'node:http'
import { Inject, Injectable } from '@nestjs/common'
import type { Config } from '../../config/config.js'
import type { Upload } from '../../contracts/rest/uploads.js'
import { CsvChecker, type CsvSummary } from '../../domain/datasets/csv-check.js'
import { MlforgeError } from '../../domain/errors.js'
import type { ObjectStore } from '../../stores/objects/object-store.js'
import type { Upload as UploadRow } from '../../stores/postgres/entities/upload.js'
import { UploadStore } from '../../stores/postgres/upload-store.js'
import { linger } from '../http/linger.js'
import type { Principal } from '../http/request.js'
import { CONFIG, OBJECTS } from '../platform/tokens.js'

@Injectable()
export class UploadsService {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    @Inject(OBJECTS) private readonly objects: ObjectStore,
    @Inject(UploadStore) private readonly uploads: UploadStore,
  ) {}

  /**
   * Takes a file as it comes: checked, hashed and written in one pass and constant memory. The
   * object and its row appear only when the file was whole and well-formed.
   */
  async receive(caller: Principal, body: IncomingMessage, fileName: string | undefined): Promise<Upload> {
    const maxBytes = this.config.api.maxUploadBytes
    try {
      if (Number(body.headers['content-length'] ?? 0) > maxBytes) throw tooLarge(maxBytes)
      const check = new CheckedBytes(body)
      const { uri, sha256, bytes } = await this.objects.write(caller.project, check, { maxBytes })
      const { delimiter, columns, rows } = check.summary!
      const row = await this.uploads.create({
        project: caller.project,
        fileName: fileName ?? null,
        uri,
        sha256,
        bytes: String(bytes),
        delimiter,
        columns,
        rows: String(rows),
        principal: caller.name,
      })
      return uploadView(row)
    } catch (error) {
      linger(body)
      throw error instanceof MlforgeError && error.code === 'body_too_large' ? tooLarge(maxBytes) : error
    }
  }

  async get({ project }: Principal, id: string): Promise<Upload> {
    return uploadView(await this.uploads.get(project, id))
  }
}

/** The bytes of a request while a checker looks at them; ends only when all of them came and are well-formed. */
class CheckedBytes implements AsyncIterable<Uint8Array> {
  summary: CsvSummary | undefined

  constructor(private readonly body: IncomingMessage) {}

  async *[Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    const checker = new CsvChecker()
    try {
      // The connection is left open when the file is refused: the answer has to go through it.
      for await (const chunk of this.body.iterator({ destroyOnReturn: false })) {
        checker.push(chunk as Uint8Array)
        yield chunk as Uint8Array
      }
    } catch (error) {
      throw error instanceof MlforgeError ? error : interrupted()
    }
    if (!this.body.complete) throw interrupted()
    this.summary = checker.end()
  }
}

function interrupted(): MlforgeError {
  return new MlforgeError(
    'upload_interrupted',
    'The file ended before it was whole; nothing was kept. Send it again.',
  )
}

function tooLarge(maxBytes: number): MlforgeError {
  return new MlforgeError(
    'body_too_large',
    `The file is larger than the ${maxBytes} bytes allowed. Split it, or raise api.maxUploadBytes in mlforge.yaml.`,
    { maxBytes },
  )
}

function uploadView(row: UploadRow): Upload {
  const { id, fileName, sha256, delimiter, columns } = row
  return {
    id,
    fileName,
    sha256,
    bytes: Number(row.bytes),
    delimiter,
    columns: [...columns],
    rows: Number(row.rows),
    createdAt: row.createdAt.toISOString(),
  }
}
