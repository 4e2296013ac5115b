import { PackDirectory } from '../pack-directory.js'
import { WorkingCopy } from '../../../../sdk/data/working-copy.js'

// Checks a version out, and says how many files it has written.

const [, , root, packs, version, manifest] = process.argv
const copy = WorkingCopy.open(root!)
let files = 0
await copy.checkout(
  { branch: 'main', version: Number(version), manifest: manifest! },
  new PackDirectory(packs!),
  {
    onProgress: () => process.send?.(++files),
  },
)
process.send?.('done')
