import { createHash } from 'node:crypto'
import { MlforgeError } from '../domain/errors.js'
import type { KeyVerifierRow } from '../stores/postgres/key-store.js'
import { readJson, writeDurably } from './files.js'

/**
 * The keys of the project as of the last look at Postgres, kept on disk: no request asks the database, and
 * a replica that starts alone still knows who may ask. A revoked key works until the next look.
 */
export class Keys {
  private bySha256: ReadonlyMap<string, KeyVerifierRow> | undefined
  /** What the file holds. */
  private kept = ''

  constructor(private readonly file: string) {}

  async restore(): Promise<void> {
    const rows = await readJson<KeyVerifierRow[]>(this.file)
    if (rows) this.take(rows)
  }

  async replace(rows: readonly KeyVerifierRow[]): Promise<void> {
    this.take(rows)
    const text = JSON.stringify(rows)
    if (text === this.kept) return
    await writeDurably(this.file, text)
    this.kept = text
  }

  get known(): boolean {
    return this.bySha256 !== undefined
  }

  /** Roles viewer and up may predict: every key that is valid. @throws MlforgeError unauthorized, key_expired */
  verify(presented: string | undefined): void {
    if (this.bySha256 === undefined) {
      throw new MlforgeError('unavailable', 'This replica has not seen the keys yet. Try again soon.')
    }
    if (presented === undefined) {
      throw new MlforgeError(
        'unauthorized',
        'A key is needed. Send "Authorization: Bearer <key>" or "X-Api-Key: <key>"; ' +
          '`mlforge up` prints where the admin key is kept.',
      )
    }
    const key = this.bySha256.get(createHash('sha256').update(presented).digest('hex'))
    if (key === undefined) {
      throw new MlforgeError(
        'unauthorized',
        'This key is not known here, or was revoked. Check it, or ask an admin for another.',
      )
    }
    if (key.expiresAt !== null && Date.parse(key.expiresAt) <= Date.now()) {
      throw new MlforgeError(
        'key_expired',
        `Key "${key.name}" expired at ${key.expiresAt}. Ask an admin for another.`,
        { expiredAt: key.expiresAt },
      )
    }
  }

  private take(rows: readonly KeyVerifierRow[]): void {
    this.bySha256 = new Map(rows.map(row => [row.sha256, row]))
  }
}
