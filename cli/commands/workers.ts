import { type Command, InvalidArgumentError } from 'commander'
import type { WorkerBuild, WorkerDeployments } from '../../infra/launcher/worker-deployments.js'
import { runningStackConfig } from '../running-stack.js'

export function workers(program: Command): void {
  const command = program
    .command('workers')
    .description('builds of workflow workers, where they are versioned (worker.deployment)')
  command
    .command('list')
    .description('show the builds that Temporal knows, and which takes workflows')
    .option('--json', 'as JSON')
    .action(({ json }: { json?: boolean }) =>
      connected(async deployments => show(await deployments.builds(), json === true)),
    )
  command
    .command('promote <build>')
    .description('let a build take all workflows, those that are open too')
    .option('--percent <n>', 'only so many of a hundred of those that begin', percentage)
    .action((build: string, { percent }: { percent?: number }) =>
      connected(async deployments => {
        await deployments.promote(build, percent)
        show(await deployments.builds(), false)
      }),
    )
}

async function connected(work: (deployments: WorkerDeployments) => Promise<void>): Promise<void> {
  // Loaded here, so that other commands start without Temporal's client.
  const { WorkerDeployments } = await import('../../infra/launcher/worker-deployments.js')
  const deployments = await WorkerDeployments.connect(runningStackConfig())
  try {
    await work(deployments)
  } finally {
    await deployments.close()
  }
}

function show(builds: readonly WorkerBuild[], json: boolean): void {
  if (json) return console.log(JSON.stringify(builds, null, 2))
  if (builds.length === 0) return console.log('No worker has polled yet.')
  for (const { build, role, percent, drainage } of builds) {
    const part = percent === null ? '' : ` (${percent} % of those that begin)`
    console.log(`${build}: ${role}${part}${drainage === null ? '' : `, ${drainage}`}`)
  }
}

function percentage(text: string): number {
  if (/^\d{1,3}$/.test(text) && Number(text) <= 100) return Number(text)
  throw new InvalidArgumentError('It must be a whole number of 0 to 100.')
}
