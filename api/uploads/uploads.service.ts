import type { IncomingMessage } from 'node:http'
import { Inject, Injectable } from '@nestjs/common'
import type { Config } from '../../config/config.js'
import type { Upload } from '../../contracts/rest/uploads.js'
import { canonicalJson, type Json } from '../../domain/canonical-json.js'
import type { CsvDelimiter } from '../../domain/datasets/csv-header.js'
import { completeReading, type StatedReading, unusualOf } from '../../domain/datasets/reading.js'
import { UploadChecker, type UploadSummary } from '../../domain/datasets/upload-check.js'
import { MlforgeError } from '../../domain/errors.js'
import type { ObjectStore } from '../../stores/objects/object-store.js'
import type { Upload as UploadRow } from '../../stores/postgres/entities/upload.js'
import { type NewUpload, UploadStore } from '../../stores/postgres/upload-store.js'
import { keyReused } from '../http/idempotency.js'
import { linger } from '../http/linger.js'
import type { Principal } from '../http/request.js'
import { CONFIG, OBJECTS } from '../platform/tokens.js'
import { statedReading, type UploadQueryDto } from './uploads.dto.js'

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
  async receive(
    caller: Principal,
    body: IncomingMessage,
    query: UploadQueryDto,
    key: string | undefined,
  ): Promise<Upload> {
    const maxBytes = this.config.api.maxUploadBytes
    try {
      if (Number(body.headers['content-length'] ?? 0) > maxBytes) throw tooLarge(maxBytes)
      const check = new CheckedBytes(body, statedReading(query, body.headers['content-type']))
      const { uri, sha256, bytes } = await this.objects.write(caller.project, check, {
        maxBytes,
        kind: 'table-data',
      })
      const { delimiter, columns, rows, ...unusual } = check.summary!
      const reading = unusualOf(unusual)
      const asked = {
        project: caller.project,
        fileName: query.fileName ?? null,
        uri,
        sha256,
        bytes: String(bytes),
        delimiter: delimiter ?? null,
        columns,
        rows: rows === null ? null : String(rows),
        reading: Object.keys(reading).length > 0 ? reading : null,
        principal: caller.name,
      }
      if (key === undefined) return uploadView(await this.uploads.create(asked, this.objects))
      const row = await this.uploads.createOnce(asked, key, this.objects)
      if (!isSame(row, asked)) throw keyReused(key)
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
  summary: UploadSummary | undefined

  constructor(
    private readonly body: IncomingMessage,
    private readonly stated: StatedReading,
  ) {}

  async *[Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    const checker = new UploadChecker(this.stated)
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

/** Whether it is the same file, read in the same way. */
function isSame(one: NewUpload, other: NewUpload): boolean {
  const identity = ({ sha256, fileName, delimiter, reading }: NewUpload): string =>
    canonicalJson([sha256, fileName, delimiter, (reading as Json | null) ?? null])
  return identity(one) === identity(other)
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
  const { id, fileName, sha256, delimiter, columns, reading } = row
  return {
    id,
    fileName,
    sha256,
    bytes: Number(row.bytes),
    reading: completeReading({ ...reading, delimiter: delimiter as CsvDelimiter | null }),
    delimiter,
    columns: columns && [...columns],
    rows: row.rows === null ? null : Number(row.rows),
    createdAt: row.createdAt.toISOString(),
  }
}
