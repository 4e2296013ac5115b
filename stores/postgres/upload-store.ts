import type { DataSource } from 'typeorm'
import { MlforgeError } from '../../domain/errors.js'
import { uuidv7 } from '../ids.js'
import { Upload } from './entities/upload.js'

export type NewUpload = Omit<Upload, 'id' | 'createdAt'>

export class UploadStore {
  constructor(private readonly dataSource: DataSource) {}

  async create(upload: NewUpload): Promise<Upload> {
    return this.dataSource.getRepository(Upload).save({ ...upload, id: uuidv7(), createdAt: new Date() })
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
