export interface CreateKey {
  name: string
  role: 'viewer' | 'operator' | 'admin'
  /** ISO 8601 time; without it the key does not expire. */
  expiresAt?: string
}

export interface Key {
  id: string
  name: string
  role: 'viewer' | 'operator' | 'admin'
  expiresAt: string | null
  createdAt: string
}

/** The only answer that carries the key itself. */
export interface CreatedKey extends Key {
  key: string
}
