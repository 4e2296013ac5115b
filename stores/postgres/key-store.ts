import { createHash } from 'node:crypto'
import { type DataSource, IsNull } from 'typeorm'
import { MlforgeError } from '../../domain/errors.js'
import { uuidv7 } from '../ids.js'
import { ApiKey, type Role } from './entities/api-key.js'
import { page, type PageOf, type PageRequest } from './paging.js'

/** What is stored and looked up instead of the key itself. */
export function keyHash(key: string): Buffer {
  return createHash('sha256').update(key).digest()
}

export interface NewKey {
  readonly project: string
  readonly name: string
  readonly role: Role
  readonly key: string
  readonly expiresAt: Date | null
}

/** What a presented key is judged by. */
export interface KeyVerifierRow {
  readonly id: string
  readonly name: string
  readonly role: Role
  /** Hexadecimal SHA-256 of the key. */
  readonly sha256: string
  readonly expiresAt: string | null
}

export class KeyStore {
  constructor(private readonly dataSource: DataSource) {}

  async create({ key, ...rest }: NewKey): Promise<ApiKey> {
    const existing = await this.dataSource
      .getRepository(ApiKey)
      .findOneBy({ project: rest.project, name: rest.name, revokedAt: IsNull() })
    if (existing) {
      throw new MlforgeError(
        'already_exists',
        `There is a key "${rest.name}" already. Revoke it or choose another name.`,
      )
    }
    return this.dataSource
      .getRepository(ApiKey)
      .save({ ...rest, id: uuidv7(), hash: keyHash(key), revokedAt: null, createdAt: new Date() })
  }

  async list(project: string, request: PageRequest): Promise<PageOf<ApiKey>> {
    return page(
      this.dataSource.getRepository(ApiKey).createQueryBuilder('key').where({ project, revokedAt: IsNull() }),
      ['createdAt', 'id'],
      request,
    )
  }

  async revoke(project: string, id: string): Promise<void> {
    const change = await this.dataSource
      .getRepository(ApiKey)
      .update({ project, id, revokedAt: IsNull() }, { revokedAt: new Date() })
    if (change.affected === 0)
      throw new MlforgeError('not_found', `There is no key ${id} in project ${project}.`)
  }

  /** The key that has this text, revoked ones excepted; expiry is for the caller to judge. */
  async find(key: string): Promise<ApiKey | null> {
    return this.dataSource.getRepository(ApiKey).findOneBy({ hash: keyHash(key), revokedAt: IsNull() })
  }

  /** Every key that was not revoked, without its text: what a serving replica keeps to ask nobody later. */
  async verifiers(project: string): Promise<KeyVerifierRow[]> {
    const keys = await this.dataSource
      .getRepository(ApiKey)
      .find({ where: { project, revokedAt: IsNull() }, order: { id: 'ASC' } })
    return keys.map(({ id, name, role, hash, expiresAt }) => ({
      id,
      name,
      role,
      sha256: hash.toString('hex'),
      expiresAt: expiresAt?.toISOString() ?? null,
    }))
  }

  /** Makes sure that a key with this name and text is there: the first key comes from the launcher. */
  async ensure(key: NewKey): Promise<void> {
    if (await this.find(key.key)) return
    await this.dataSource.transaction(async transaction => {
      await transaction.update(
        ApiKey,
        { project: key.project, name: key.name, revokedAt: IsNull() },
        { revokedAt: new Date() },
      )
      const { key: text, ...rest } = key
      await transaction.insert(ApiKey, {
        ...rest,
        id: uuidv7(),
        hash: keyHash(text),
        revokedAt: null,
        createdAt: new Date(),
      })
    })
  }
}
