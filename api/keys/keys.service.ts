import { randomBytes } from 'node:crypto'
import { Inject, Injectable } from '@nestjs/common'
import type { Page, PageQuery } from '../../contracts/rest/common.js'
import type { CreatedKey, CreateKey, Key } from '../../contracts/rest/keys.js'
import type { ApiKey } from '../../stores/postgres/entities/api-key.js'
import { KeyStore } from '../../stores/postgres/key-store.js'
import { KeyVerifier } from '../http/key-verifier.js'
import { mapPage } from '../http/paging.js'
import type { Principal } from '../http/request.js'
import { invalidRequest } from '../http/validation.js'

@Injectable()
export class KeysService {
  constructor(
    @Inject(KeyStore) private readonly keys: KeyStore,
    @Inject(KeyVerifier) private readonly verifier: KeyVerifier,
  ) {}

  async create({ project }: Principal, { name, role, expiresAt }: CreateKey): Promise<CreatedKey> {
    const expiry = expiresAt === undefined ? null : new Date(expiresAt)
    if (expiry !== null && expiry.getTime() <= Date.now()) {
      throw invalidRequest([{ at: 'expiresAt', message: `${expiresAt} has passed. Name a time to come.` }])
    }
    const key = `mlf_${randomBytes(32).toString('base64url')}`
    const created = await this.keys.create({ project, name, role, key, expiresAt: expiry })
    return { ...keyView(created), key }
  }

  async list({ project }: Principal, query: PageQuery): Promise<Page<Key>> {
    return mapPage(await this.keys.list(project, query), keyView)
  }

  async revoke({ project }: Principal, id: string): Promise<void> {
    await this.keys.revoke(project, id)
    this.verifier.forget()
  }
}

function keyView({ id, name, role, expiresAt, createdAt }: ApiKey): Key {
  return { id, name, role, expiresAt: expiresAt?.toISOString() ?? null, createdAt: createdAt.toISOString() }
}
