import { readSettings } from '../../config/load.js'
import { standardPlan } from './stack.js'
import { supervise } from './supervisor.js'

// The supervisor: started by `mlforge up`, which passes on the parts that were asked for.
const only = process.argv[2]
const settings = readSettings({ embedded: true })
await supervise(standardPlan(settings, only === undefined ? undefined : only.split(',')))
