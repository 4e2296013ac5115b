import { fileURLToPath } from 'node:url'
import { createHash } from 'node:crypto'
import type { Plan, PlanPart } from '../../../infra/launcher/plan.js'
import { keptSecret } from '../../../infra/launcher/files.js'
import { statePaths } from '../../../infra/launcher/paths.js'
import { postgresPart } from '../../../infra/launcher/postgres.js'
import { redisPart } from '../../../infra/launcher/redis.js'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** What a test's stack is made of: the real Postgres and Redis, and small node servers by name and mode. */
export interface TestStack {
  readonly stateDirectory: string
  readonly postgres?: boolean
  readonly servers: Readonly<Record<string, 'serve' | 'crash' | 'stubborn'>>
}

const script = fileURLToPath(new URL('./server.js', import.meta.url))

export function testPlan({ stateDirectory, postgres, servers }: TestStack): Plan {
  const paths = statePaths(stateDirectory)
  const redis = redisPart({
    stateDirectory,
    port: 0,
    configured: '',
    cacheDirectory: join(tmpdir(), 'mlforge-test-cache'),
    password: () => keptSecret(paths.redisPassword),
  })
  const database = postgresPart({
    stateDirectory,
    port: 0,
    password: () => keptSecret(paths.postgresPassword),
  })
  const parts = [
    ...(postgres === true ? [database] : []),
    redis,
    ...Object.entries(servers).map(([name, mode]): PlanPart => ({
      kind: 'process',
      name,
      needs: ['redis', 'postgres'],
      ports: [{ name, configured: 0 }],
      startDeadlineMs: 20_000,
      stopSignal: 'SIGTERM',
      stopDeadlineMs: mode === 'stubborn' ? 300 : 5000,
      command: context => ({ program: process.execPath, args: [script, String(context.port(name)), mode] }),
      ready: async context => {
        const signal = AbortSignal.timeout(2_000)
        return (await fetch(`http://127.0.0.1:${context.port(name)}/ready`, { signal })).ok
      },
    })),
  ]
  const fingerprint = createHash('sha256').update(JSON.stringify(servers)).digest('hex')
  return { stateDirectory, parts, fingerprint, endpoints: port => ({ redisPort: port('redis') }) }
}
