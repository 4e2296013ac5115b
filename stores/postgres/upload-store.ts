import type { DataSource, QueryDeepPartialEntity } from 'typeorm'
import { MlforgeError } from '../../domain/errors.js'
import { derivedId, uuidv7 } from '../ids.js'
import { Upload } from './entities/upload.js'
import type { SizedObjects } from './pack-objects.js'
import { assertTableObjects } from './table-objects.js'

export type NewUpload = Omit<Upload, 'id' | 'createdAt'>

export class UploadStore {
  constructor(private readonly dataSource: DataSource) {}

  /** @throws MlforgeError unavailable where its object is gone already */
  async create(upload: NewUpload, objects: SizedObjects): Promise<Upload> {
    return this.insert({ ...upload, id: uuidv7() }, objects)
  }

  /** The upload that the same principal has made with this key, be it of another file; else this one. */
  async createOnce(upload: NewUpload, key: string, objects: SizedObjects): Promise<Upload> {
    const id = derivedId('upload', upload.project, upload.principal, key)
    return this.insert({ ...upload, id }, objects)
  }

  async get(project: string, id: string): Promise<Upload> {
    const upload = await this.dataSource.getRepository(Upload).findOneBy({ project, id })
    if (upload) return upload
    throw new MlforgeError(
      'not_found',
      `There is no upload ${id} in project ${project}. Upload the file first.`,
    )
  }

  private async insert(upload: Omit<Upload, 'createdAt'>, objects: SizedObjects): Promise<Upload> {
    await this.dataSource.transaction(async transaction => {
      await assertTableObjects(transaction, [upload.uri], objects)
      await transaction
        .createQueryBuilder()
        .insert()
        .into(Upload)
        .values({ ...upload, createdAt: new Date() } as QueryDeepPartialEntity<Upload>)
        .orIgnore()
        .execute()
    })
    return this.get(upload.project, upload.id)
  }
}
