import { WorkingCopy } from '../../../../sdk/data/working-copy.js'

// Adds all files of a directory, and says when it has begun to read.

const [, , root] = process.argv
const copy = WorkingCopy.open(root!)
await copy.add('all', { onProgress: () => process.send?.('reading') })
await copy.commit({ message: 'all', author: 'ada', at: new Date('2026-11-29T07:00:00Z') })
process.send?.('done')
