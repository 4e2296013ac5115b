import { join } from 'node:path'
import type { Config } from '../../config/config.js'
import { LocalObjectStore } from './local-object-store.js'
import type { ObjectStore } from './object-store.js'

/** The object store that is configured. That of S3 is loaded where it is used: its SDK is large. */
export async function openObjectStore({
  objects,
  stateDirectory,
}: Pick<Config, 'objects' | 'stateDirectory'>): Promise<ObjectStore> {
  switch (objects.kind) {
    case 'local':
      return new LocalObjectStore(objects.directory)
    case 's3': {
      const { S3ObjectStore } = await import('./s3-object-store.js')
      return new S3ObjectStore(objects.s3, join(stateDirectory, 'spool'))
    }
  }
}
