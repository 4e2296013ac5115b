import { LocalObjectStore } from '../../../../stores/objects/local-object-store.js'
import type { ObjectStore } from '../../../../stores/objects/object-store.js'
import type { S3Options } from '../../../../stores/objects/s3-bucket.js'
import { S3ObjectStore } from '../../../../stores/objects/s3-object-store.js'

/** How another process opens the store of a test. */
export type StoreSpec = { readonly directory: string } | { readonly s3: S3Options; readonly scratch: string }

export function storeOf(spec: StoreSpec): ObjectStore {
  return 'directory' in spec ? new LocalObjectStore(spec.directory) : new S3ObjectStore(spec.s3, spec.scratch)
}
