import type { Command } from 'commander'
import type { CheckReport } from '../../domain/check/report.js'
import { EXIT } from '../report.js'
import { runningStackConfig } from '../running-stack.js'

export function check(program: Command): void {
  program
    .command('check')
    .description(
      'compare rows, workflows and objects; exit code 1 when something is wrong, 2 when not reached',
    )
    .option('--json', 'everything as JSON; `comparable` is equal for equal work, whatever was killed')
    .option('--deep', 'read every object, compare its content with its hash, and count predictions')
    .action(async ({ json, deep }: { json?: boolean; deep?: boolean }) => {
      const config = runningStackConfig()
      // Loaded here, so that other commands start without TypeORM and Temporal's client.
      await import('reflect-metadata')
      const { checkStack } = await import('../../infra/launcher/check.js')
      const found = await checkStack(config, { deep: deep === true })
      console.log(json === true ? JSON.stringify(found, null, 2) : summary(found))
      if (!found.ok) process.exitCode = found.unreachable.length > 0 ? EXIT.usage : EXIT.failed
    })
}

function summary(report: CheckReport): string {
  const { datasets, models, deployments, effects, runs, objects, problems, unreachable } = report
  const short = (hash: string | null) => hash?.slice(0, 12) ?? '-'
  const lines = [
    ...datasets.flatMap(({ name, versions }) =>
      versions.map(
        ({ version, rows, root }) => `dataset ${name} v${version}: ${rows} rows, root ${short(root)}`,
      ),
    ),
    ...models.flatMap(({ name, versions, aliases }) => [
      ...versions.map(
        ({ version, sha256, onnxSha256 }) =>
          `model ${name} v${version}: sha256 ${short(sha256)}, ONNX ${short(onnxSha256)}`,
      ),
      ...Object.entries(aliases).map(([alias, version]) => `model ${name} ${alias} -> v${version}`),
    ]),
    ...deployments.map(({ name, model, revision, arms, predictions, labels, windows, incidents }) => {
      const split = arms.map(({ version, role, weight }) => `v${version} ${role} ${weight} %`).join(', ')
      const open = incidents.filter(({ status }) => status !== 'closed' && status !== 'suppressed').length
      return `deployment ${name}: plan ${revision} of model ${model} (${split}), ${predictions.rows} predictions, ${labels} labels, ${windows.length} windows, ${incidents.length} incidents (${open} open)`
    }),
    `${effects.length} effects, ${effects.filter(({ rows }) => rows === 1).length} of them once`,
    `${runs.length} runs, ${objects.referenced} objects with ${objects.bytes} bytes`,
    ...unreachable.map(({ part, message }) => `NOT REACHED ${part}: ${message}`),
    ...problems.map(({ code, at, message }) => `PROBLEM ${code} ${at}: ${message}`),
  ]
  if (problems.length === 0 && unreachable.length === 0) lines.push('Nothing is wrong.')
  return lines.join('\n')
}
