import { Inject, Injectable } from '@nestjs/common'
import { MlforgeError } from '../../domain/errors.js'
import type { ApiKey } from '../../stores/postgres/entities/api-key.js'
import { keyHash, KeyStore } from '../../stores/postgres/key-store.js'
import type { Principal } from './request.js'

const CACHE_MS = 5_000
const CACHE_ENTRIES = 1_000

/**
 * Looks keys up by their SHA-256 (they have 256 random bits, so a plain hash is enough) and remembers
 * the valid ones for five seconds: so long may a key that another process revoked still work.
 */
@Injectable()
export class KeyVerifier {
  private readonly cache = new Map<string, { key: ApiKey; until: number }>()

  constructor(@Inject(KeyStore) private readonly keys: KeyStore) {}

  async verify(presented: string): Promise<Principal> {
    const key = await this.lookUp(presented)
    if (key === null) {
      throw new MlforgeError(
        'unauthorized',
        'This key is not known here, or was revoked. Check it, or ask an admin for another.',
      )
    }
    if (key.expiresAt !== null && key.expiresAt.getTime() <= Date.now()) {
      throw new MlforgeError(
        'key_expired',
        `Key "${key.name}" expired at ${key.expiresAt.toISOString()}. Ask an admin for another.`,
        { expiredAt: key.expiresAt.toISOString() },
      )
    }
    return { keyId: key.id, name: `key:${key.name}`, role: key.role, project: key.project }
  }

  /** Called when this process revokes a key, so that it ends at once here. */
  forget(): void {
    this.cache.clear()
  }

  private async lookUp(presented: string): Promise<ApiKey | null> {
    const at = keyHash(presented).toString('hex')
    const cached = this.cache.get(at)
    if (cached && cached.until > Date.now()) return cached.key
    this.cache.delete(at)
    const key = await this.keys.find(presented)
    if (key !== null) {
      const oldest = this.cache.size >= CACHE_ENTRIES ? this.cache.keys().next().value : undefined
      if (oldest !== undefined) this.cache.delete(oldest)
      this.cache.set(at, { key, until: Date.now() + CACHE_MS })
    }
    return key
  }
}
