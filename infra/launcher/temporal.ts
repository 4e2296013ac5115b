import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { MlforgeError } from '../../domain/errors.js'
import { lastLines, run } from './command.js'
import { statePaths } from './paths.js'
import type { PartContext, PlanPart } from './plan.js'
import { until } from './proc.js'
import { resolveTemporal, type TemporalSearch } from './temporal-program.js'

/** What runs are found by in Temporal Web; every workflow that is started sets its own. */
export const SEARCH_ATTRIBUTES = {
  MlforgeProject: 'Keyword',
  MlforgeKind: 'Keyword',
  MlforgeModel: 'Keyword',
  MlforgeDataset: 'Keyword',
  MlforgeDeployment: 'Keyword',
  MlforgePipeline: 'Keyword',
  MlforgeAsset: 'Keyword',
  MlforgeStage: 'Keyword',
  MlforgeTrigger: 'Keyword',
  MlforgeMetric: 'Double',
} as const

// The development server polls its queues 20 times a second: each step of a workflow would wait 50 ms.
const DYNAMIC_CONFIG = {
  'history.transferProcessorMaxPollRPS': 2000,
  'history.timerProcessorMaxPollRPS': 2000,
  'history.visibilityProcessorMaxPollRPS': 2000,
  'matching.enableFairness': true,
}

export interface TemporalOptions extends TemporalSearch {
  readonly stateDirectory: string
  readonly port: number
  readonly uiPort: number
  readonly namespace: string
  readonly retentionDays: number
}

/** The embedded Temporal development server with its web interface, on a SQLite file. */
export function temporalPart(options: TemporalOptions): PlanPart {
  const file = statePaths(options.stateDirectory).temporalFile
  return {
    kind: 'process',
    name: 'temporal',
    needs: [],
    ports: [
      { name: 'temporal', configured: options.port },
      { name: 'temporalUi', configured: options.uiPort },
    ],
    startDeadlineMs: 60_000,
    stopSignal: 'SIGTERM',
    stopDeadlineMs: 10_000,
    prepare: async () => {
      await mkdir(dirname(file), { recursive: true, mode: 0o700 })
    },
    command: async context => ({
      program: await resolveTemporal(options, context.log),
      args: [
        'server',
        'start-dev',
        `--db-filename=${file}`,
        '--ip=127.0.0.1',
        `--port=${context.port('temporal')}`,
        `--ui-port=${context.port('temporalUi')}`,
        `--namespace=${options.namespace}`,
        '--ui-disable-news-fetch',
        '--log-level=error',
        '--sqlite-pragma=journal_mode=WAL',
        ...Object.entries(DYNAMIC_CONFIG).map(([key, value]) => `--dynamic-config-value=${key}=${value}`),
        ...Object.entries(SEARCH_ATTRIBUTES).map(([key, type]) => `--search-attribute=${key}=${type}`),
      ],
    }),
    // The web interface passes this on to the server: both answer.
    ready: context => answers(context, options.namespace),
    afterReady: context => configure(context, options),
  }
}

async function answers(context: PartContext, namespace: string): Promise<boolean> {
  const address = `http://127.0.0.1:${context.port('temporalUi')}/api/v1/namespaces/${namespace}`
  return (await fetch(address, { signal: AbortSignal.timeout(2000) })).ok
}

/** Retention and search attributes, at every start: the file may be older than these settings. */
async function configure(context: PartContext, options: TemporalOptions): Promise<void> {
  const program = await resolveTemporal(options, context.log)
  const target = ['--address', `127.0.0.1:${context.port('temporal')}`, '--namespace', options.namespace]
  const temporal = async (...args: string[]) => {
    const result = await run(program, [...args, ...target], { timeoutMs: 15_000 })
    if (result.code === 0) return result.stdout
    throw new MlforgeError('unavailable', `temporal ${args.join(' ')} failed: ${lastLines(result.stderr, 2)}`)
  }
  const retention = `${options.retentionDays * 24}h`
  await temporal('operator', 'namespace', 'update', '--retention', retention)
  const missing = async () => {
    const listed = await temporal('operator', 'search-attribute', 'list')
    const names = new Set(listed.split('\n').map(line => line.trim().split(/\s+/)[0]))
    return Object.entries(SEARCH_ATTRIBUTES).filter(([name]) => !names.has(name))
  }
  for (const [name, type] of await missing()) {
    await temporal('operator', 'search-attribute', 'create', '--name', name, '--type', type)
  }
  // The server's caches take a moment to know what was just added.
  await until(async () => (await missing()).length === 0, 10_000, 200)
}
