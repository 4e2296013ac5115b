import { supervise } from '../../../infra/launcher/supervisor.js'
import { testPlan, type TestStack } from './plan.js'

await supervise(testPlan(JSON.parse(process.argv[2] ?? '') as TestStack))
