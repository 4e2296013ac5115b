import { connectPostgres } from './data-source.js'
import { KeyStore } from './key-store.js'

/** Makes the launcher's key a valid admin key of the project. */
export async function ensureAdminKey(url: string, project: string, key: string): Promise<void> {
  const dataSource = await connectPostgres(url, 1)
  try {
    await new KeyStore(dataSource).ensure({ project, name: 'admin', role: 'admin', key, expiresAt: null })
  } finally {
    await dataSource.destroy()
  }
}
