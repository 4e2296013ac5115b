import type { DataSource, QueryDeepPartialEntity } from 'typeorm'
import { MlforgeError } from '../../domain/errors.js'
import { derivedId, uuidv7 } from '../ids.js'
import { Upload } from './entities/upload.js'

export type NewUpload = Omit<Upload, 'id' | 'createdAt'>

export class UploadStore {
  constructor(private readonly dataSource: DataSource) {}

  async create(upload: NewUpload): Promise<Upload> {
    return this.dataSource.getRepository(Upload).save({ ...upload, id: uuidv7(), createdAt: new Date() })
  }

  /** The upload that the same principal has made with this key, be it of another file; else this one. */
  async createOnce(upload: NewUpload, key: string): Promise<Upload> {
    const id = derivedId('upload', upload.project, upload.principal, key)
    await this.dataSource
      .getRepository(Upload)
      .createQueryBuilder()
      .insert()
      .values({ ...upload, id, createdAt: new Date() } as QueryDeepPartialEntity<Upload>)
      .orIgnore()
      .execute()
    return this.get(upload.project, id)
  }

  async get(project: string, id: string): Promise<Upload> {
    const upload = await this.dataSource.getRepository(Upload).findOneBy({ project, id })
    if (upload) return upload
    throw new MlforgeError(
      'not_found',
      `There is no upload ${id} in project ${project}. Upload the file first.`,
    )
  }
}
