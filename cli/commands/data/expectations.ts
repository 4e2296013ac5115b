import { writeFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import type { Command } from 'commander'
import { isErrorCode, MlforgeError } from '../../../domain/errors.js'
import { describeAccepted, isWarning } from '../../../domain/expectations/results.js'
import { Suites } from '../../../sdk/data/suites.js'
import { connect } from '../../connect.js'
import { EXIT } from '../../report.js'
import { gitAuthor } from './git.js'
import { here } from './local.js'
import { count, told } from './output.js'

type Suite = Parameters<Suites['put']>[0]
type SuiteEntry = Awaited<ReturnType<Suites['versions']>>[number]
type Checked = Awaited<ReturnType<Suites['check']>>
type Plan = Checked['plan']
type Result = Checked['results'][number]

interface OfDataset {
  readonly dataset?: string
}

/** What must hold of the tables of a dataset. */
export function expectationsCommand(data: Command): void {
  const commands = data
    .command('expectations')
    .description('what is expected of the tables of a dataset: its suite, by which commits are checked')

  add(commands, 'show [version]', 'the current version of the suite, or another one, as YAML')
    .option('--json', 'as JSON, with all that is known of it')
    .action(async (version: string | undefined, { dataset, json }: OfDataset & { json?: boolean }) => {
      const found = await told(
        (await suitesOf(dataset)).get(version === undefined ? undefined : numberOf(version)),
      )
      if (json === true) console.log(JSON.stringify(found, null, 2))
      else {
        const { suiteText } = await import('./suite-file.js')
        console.log(`# ${entryLine(found)}\n${suiteText(found.suite)}`.trimEnd())
      }
    })

  add(commands, 'log', 'versions of the suite, the newest first')
    .option('--limit <number>', 'how many', '20')
    .action(async ({ dataset, limit }: OfDataset & { limit: string }) => {
      const versions = await told((await suitesOf(dataset)).versions(Number(limit)))
      for (const each of versions) {
        console.log(entryLine(each))
        if (each.message !== null) console.log(`    ${each.message}`)
      }
    })

  add(commands, 'set <file>', 'make a suite in YAML or JSON the current one')
    .option('-m, --message <text>', 'what has changed, and why')
    .option('--author <name>', 'who has made it; as git knows you where left out')
    .option('--expected <version>', 'refuse it where another version is current by now')
    .action(async (file: string, options: OfDataset & SetOptions) => {
      const { readSuiteFile, refused } = await import('./suite-file.js')
      const { suite, at } = readSuiteFile(file)
      const { message, expected } = options
      try {
        const put = await told(
          (await suitesOf(options.dataset)).put(suite as Suite, {
            author: options.author ?? (await gitAuthor(process.cwd())) ?? userInfo().username,
            ...(message !== undefined && { message }),
            ...(expected !== undefined && { expected: numberOf(expected) }),
          }),
        )
        console.log(`${entryLine(put)}${put.created ? '' : ', which had this content already'}`)
      } catch (error) {
        if (!(error instanceof MlforgeError)) throw error
        const { problems = [] } = error.details
        if (problems.length === 0) throw error
        throw refused(
          file,
          problems.map(each => ({ at: at(each.at), message: each.message })),
        )
      }
    })

  add(
    commands,
    'infer [version]',
    'a suite to start from, by what a version is like; the newest one by default',
  )
    .option('-o, --output <file>', 'where it is written; the standard output where left out')
    .action(async (version = 'latest', { dataset, output }: OfDataset & { output?: string }) => {
      const { suite } = await told((await suitesOf(dataset)).infer(version))
      await write(suite, output)
    })

  add(
    commands,
    'import <file>',
    'the suite of a JSON file of Great Expectations; what it could not take is told',
  )
    .option('-o, --output <file>', 'where it is written; the standard output where left out')
    .action(async (file: string, { dataset, output }: OfDataset & { output?: string }) => {
      const { readJsonFile } = await import('./suite-file.js')
      const { suite, left } = await told((await suitesOf(dataset)).read(readJsonFile(file)))
      await write(suite, output)
      for (const { at, type, reason } of left) console.error(`left out ${at} ${type}: ${reason}`)
    })

  add(commands, 'check [version]', 'check a version as it is; exit code 1 where an expectation does not hold')
    .option('--suite <version>', 'another version of the suite than the current one')
    .option('--json', 'as JSON')
    .action(async (version = 'latest', options: OfDataset & { suite?: string; json?: boolean }) => {
      const { dataset, suite, json } = options
      const checked = await told(
        (await suitesOf(dataset)).check({ version, ...(suite !== undefined && { suite: numberOf(suite) }) }),
      )
      if (json === true) console.log(JSON.stringify(checked, null, 2))
      else showChecked(checked)
      if (checked.validation.status !== 'succeeded') process.exitCode = EXIT.failed
    })
}

interface SetOptions {
  readonly message?: string
  readonly author?: string
  readonly expected?: string
}

function add(commands: Command, name: string, description: string): Command {
  return commands
    .command(name)
    .description(description)
    .option('--dataset <name>', 'another than that of the working directory')
}

async function suitesOf(dataset: string | undefined): Promise<Suites> {
  const name = dataset ?? here().dataset
  return new Suites(await connect(), name)
}

function numberOf(text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text)
  throw new MlforgeError('invalid_request', `"${text}" is no version of a suite: give a number from 1.`)
}

function entryLine({ dataset, version, current, expectations, author, createdAt }: SuiteEntry): string {
  const mark = current ? ' (current)' : ''
  return `${dataset}, suite version ${version}${mark}: ${count(expectations, 'expectation')}  ${createdAt}  ${author ?? ''}`.trimEnd()
}

async function write(suite: Suite, output: string | undefined): Promise<void> {
  const { suiteText } = await import('./suite-file.js')
  if (output === undefined) process.stdout.write(suiteText(suite))
  else {
    writeFileSync(output, suiteText(suite))
    console.error(`${count(suite.expectations.length, 'expectation')} written to ${output}.`)
  }
}

function showChecked({ validation, plan, results }: Checked): void {
  const { dataset, version, suite, found, error, status, id } = validation
  if (found === null) {
    const code = error && isErrorCode(error.code) ? error.code : 'internal'
    throw new MlforgeError(code, error?.message ?? `Run ${id} is ${status}.`)
  }
  const { expectations, failed, warned } = found
  console.log(
    `${dataset}, version ${version}, suite version ${suite.version}: ${count(expectations, 'expectation')}, ${failed} failed, ${warned} warned`,
  )
  if (expectations > 0) console.log(`  ${planLine(plan, expectations)}`)
  for (const result of results.filter(({ passed }) => !passed)) console.log(`  ${describe(result)}`)
}

const KINDS = {
  scan: 'rows and aggregates',
  uniqueness: 'uniqueness',
  reference: 'other tables',
  distribution: 'distributions',
}

function planLine({ scans, statements }: Plan, all: number): string {
  const measured = new Set(statements.flatMap(({ expectations }) => expectations)).size
  const parts = statements.flatMap(({ kind, expectations }) =>
    kind === 'samples' ? [] : [`${KINDS[kind]} (${expectations.length})`],
  )
  if (measured < all) parts.push(`names and types alone (${all - measured})`)
  return `${count(all, 'expectation')} in ${count(scans, 'scan')}: ${parts.join(', ')}`
}

function describe({ expectation, failingRows, examples, observed }: Result): string {
  const what = expectation as Parameters<typeof describeAccepted>[0]
  const [first] = examples
  const found =
    first === undefined
      ? `observed ${JSON.stringify(observed)}`
      : `${count(failingRows, 'row')}, first row ${first.row}: ${JSON.stringify(first.values)}`
  return `${isWarning(what) ? 'warned' : 'failed'}  ${describeAccepted(what)}: ${found}`
}
