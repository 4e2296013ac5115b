// Imports from DVC, commits and exports again; says each step, so that a test can kill it at one.
import { committedFiles, exportDvc } from '../../../../sdk/data/dvc/export.js'
import { WorkingCopy } from '../../../../sdk/data/working-copy.js'
import { commit } from '../tree.js'

const [root, repository, target] = process.argv.slice(2) as [string, string, string]
const say = () => new Promise(resolve => process.send!('step', resolve))
const copy = WorkingCopy.open(root)
await copy.importDvc(repository, { onProgress: () => void say() })
await say()
if (copy.head.draft === null) await commit(copy)
await say()
await exportDvc(target, copy.dataset, committedFiles(copy), { onProgress: () => void say() })
await new Promise(resolve => process.send!('done', resolve))
await copy.close()
