// Long suites: `make soak SUITE=kill`, or `node dist/bench/soak.js kill [SEEDS=n] [scenario/point/process ...]`;
// `make soak SUITE=pipelines SEEDS=100`, or `node dist/bench/soak.js pipelines [SEEDS=n] [seed ...]`, and the same of `data`, `data-s3`
// and `history`; `make soak SUITE=memory`.
import 'reflect-metadata'
import { soakData, soakDataInBucket } from './soak/data.js'
import { soakHistory } from './soak/history.js'
import { soakKill } from './soak/kill.js'
import { soakMemory } from './soak/memory.js'
import { soakPipelines } from './soak/pipelines.js'

const SUITES: Record<string, (args: SoakArguments) => Promise<boolean>> = {
  data: soakData,
  'data-s3': soakDataInBucket,
  history: soakHistory,
  kill: soakKill,
  memory: soakMemory,
  pipelines: soakPipelines,
}

export interface SoakArguments {
  /** `kill`: how often it is repeated with random delays, after once without; of others: how many cases are generated. */
  readonly seeds: number
  /** Only what contains one of these; everything where there are none. */
  readonly only: readonly string[]
}

const [name = '', ...rest] = process.argv.slice(2)
const suite = SUITES[name]
if (suite === undefined) {
  console.error(`There is no suite "${name}". Use one of: ${Object.keys(SUITES).join(', ')}`)
  process.exit(2)
}
const given =
  rest.find(arg => arg.startsWith('SEEDS='))?.slice('SEEDS='.length) ?? process.env['SEEDS'] ?? '0'
const seeds = Number(given)
if (!Number.isInteger(seeds) || seeds < 0) {
  console.error(`SEEDS=${given} is no whole number of at least 0.`)
  process.exit(2)
}
const isGood = await suite({ seeds, only: rest.filter(arg => !arg.startsWith('SEEDS=')) })
process.exit(isGood ? 0 : 1)
