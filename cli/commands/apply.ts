import { existsSync, readFileSync } from 'node:fs'
import { basename } from 'node:path'
import type { Command } from 'commander'
import { readProject } from '../../config/project-yaml.js'
import { SECTIONS } from '../../config/sections.js'
import { MlforgeError, type Problem } from '../../domain/errors.js'
import { type Applied, applyAssets, applyPipelines, applySection } from '../../sdk/apply.js'
import { Refused, type Rest } from '../../sdk/rest.js'
import { connect } from '../connect.js'

interface ApplyFlags {
  readonly file: string
  readonly dryRun?: boolean
}

export function apply(program: Command): void {
  program
    .command('apply')
    .description(
      'make what mlforge.yaml declares what it says there: pools, pipelines, assets, schedules, sensors',
    )
    .option('--file <path>', 'the file that declares them', 'mlforge.yaml')
    .option('--dry-run', 'say what would change, and change nothing')
    .action(async ({ file, dryRun = false }: ApplyFlags) => {
      const applied = await applyProject(await connect(), file, dryRun)
      for (const { kind, name, change, detail, warnings = [] } of applied) {
        console.log(`${kind} ${name}: ${change}${detail === undefined ? '' : ` (${detail})`}`)
        // What else is declared is not there in a dry run.
        if (!dryRun) for (const warning of warnings) console.log(`  warning: ${warning}`)
      }
      if (dryRun) console.log('Nothing was changed.')
    })
}

/** In an order in which each names only what comes before. Where pipelines are refused, nothing that names them is applied. */
async function applyProject(rest: Rest, path: string, dryRun: boolean): Promise<Applied[]> {
  if (!existsSync(path)) throw new MlforgeError('invalid_request', `There is no file "${path}".`)
  const [text, file] = [readFileSync(path, 'utf8'), basename(path)]
  const project = readProject(text, file)
  if ('problems' in project) throw refused(path, project.problems)
  const { sections, at } = project
  const applied: Applied[] = []
  const problems: Problem[] = []
  try {
    for (const section of SECTIONS) {
      const declared = sections[section]
      if (declared === undefined) continue
      if (section === 'pipelines') {
        applied.push(...(await applyPipelines(rest, { text, file, dryRun })))
        continue
      }
      const done =
        section === 'assets'
          ? await applyAssets(rest, declared, dryRun)
          : await applySection(rest, section, declared, dryRun)
      applied.push(...done.applied)
      problems.push(
        ...done.problems.map(each => ({ at: at([section, ...each.path]), message: each.message })),
      )
    }
    if (problems.length === 0) return applied
    throw refused(path, problems)
  } catch (error) {
    if (!(error instanceof Refused)) throw error
    const { detail, problems: own = [] } = error.problem
    if (own.length > 0) throw refused(path, own)
    throw new MlforgeError('invalid_request', detail)
  }
}

function refused(path: string, problems: readonly Problem[]): MlforgeError {
  return new MlforgeError('invalid_request', `${path} cannot be applied as it is.`, { problems })
}
