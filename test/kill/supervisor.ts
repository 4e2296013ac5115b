import { supervise } from '../../infra/launcher/supervisor.js'
import { killPlan, type Environment } from './plan.js'

const { env, cwd, only } = JSON.parse(process.argv[2] ?? '') as {
  env: Environment
  cwd: string
  only?: string[]
}
await supervise(killPlan(env, cwd, only))
