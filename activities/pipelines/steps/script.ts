import { constants } from 'node:fs'
import { copyFile, mkdir, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import type { Json } from '../../../domain/canonical-json.js'
import { MlforgeError, type Problem } from '../../../domain/errors.js'
import { storableText } from '../../../domain/storable.js'
import { tableNameProblems } from '../../../domain/pipelines/table-names.js'
import type { TableValue } from '../../../domain/pipelines/values.js'
import { runCommand } from '../../../trainers/command.js'
import type { CommandEnd } from '../../../trainers/command-protocol.js'
import type { Ports } from '../../ports.js'
import { copyProjectFiles, projectRoot } from '../script-files.js'
import { readOutputs, storeFiles } from '../script-results.js'
import type { StepContext, StepRunner } from '../step-context.js'

/** How a script says that its data are bad: sysexits.h, EX_DATAERR. No other try is made. */
const EX_DATAERR = 65
const LAST_LINES = 20
const LAST_CHARACTERS = 500
/** Not that of the worker, so that a script does the same wherever it runs; Node is the worker's. */
const PATH = `${dirname(process.execPath)}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin`

interface ScriptInputs {
  readonly command: readonly string[]
  readonly files?: readonly string[]
  readonly inputs?: Json
  readonly tables?: Readonly<Record<string, TableValue>>
  readonly environment?: Readonly<Record<string, string>>
}

/**
 * Runs a command: at least once, with the same MLFORGE_IDEMPOTENCY_KEY on each try.
 *
 * It finds $MLFORGE_INPUTS, a JSON file { inputs, tables: { name: path of a Parquet file } }, and may write a
 * JSON object to $MLFORGE_OUTPUTS and files into $MLFORGE_FILES; $MLFORGE_RUN_ID and $MLFORGE_STEP name the
 * step. Of an environment it gets PATH, HOME, LANG, TMPDIR and what the step declares. It works in a copy of
 * the declared files, in the project directory where none are. Exit code 0 is well done, 65 a refusal
 * (`script_refused`) that no other try is made of, anything else `script_failed`.
 */
export function scriptStep(
  { objects }: Pick<Ports, 'objects'>,
  { projectDirectory }: { readonly projectDirectory: string },
): StepRunner {
  return async context => {
    const { directory, project, signal, log } = context
    const script = context.inputs as unknown as ScriptInputs
    assertRunnable(script)
    const place = (name: string): string => join(directory, name)
    for (const name of ['files', 'tables', 'tmp']) await mkdir(place(name))
    const cwd = await workingDirectory(script, projectDirectory, place('work'))
    const tables: Record<string, string> = {}
    for (const [name, { uri }] of Object.entries(script.tables ?? {})) {
      tables[name] = join(place('tables'), `${name}.parquet`)
      // A copy, where the file system can by reference: the object itself must not be written to.
      await copyFile(await objects.toFile(uri, directory), tables[name], constants.COPYFILE_FICLONE)
    }
    await writeFile(place('inputs.json'), JSON.stringify({ inputs: script.inputs ?? {}, tables }))

    const lines: string[] = []
    const { command } = script
    const end = await runCommand(
      { command, cwd, environment: environmentOf(script, context, place) },
      {
        signal,
        onLine: line => {
          log(line)
          lines.push(storableText(line.slice(0, LAST_CHARACTERS)))
          if (lines.length > LAST_LINES) lines.shift()
        },
      },
    )
    if (end.code === EX_DATAERR) {
      const message = `The command "${command[0]}" refuses its data (exit code ${EX_DATAERR})${lastOf(lines)}`
      return { refused: { code: 'script_refused', message, details: { lines } } }
    }
    if (end.code !== 0) throw failed(command[0]!, end, lines)
    const outputs = await readOutputs(place('outputs.json'))
    const files = await storeFiles({ objects, project, signal }, place('files'), log)
    return { outputs: { outputs, files: files as unknown as Json } }
  }
}

function assertRunnable({ command, tables = {}, environment = {} }: ScriptInputs): void {
  const problems: Problem[] = tableNameProblems(Object.keys(tables), 'tables')
  if (command.length === 0 || command[0] === '') {
    problems.push({ at: 'command', message: 'It names no program.' })
  }
  for (const [name, value] of Object.entries(environment)) {
    const say = (message: string): void => void problems.push({ at: `environment.${name}`, message })
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) say('It is no name of a variable.')
    else if (name.startsWith('MLFORGE_')) say('Names with MLFORGE_ are set by MLForge. Choose another one.')
    else if (value.includes('\0')) say('Its value holds a character that variables cannot have (NUL).')
  }
  if (problems.length === 0) return
  const [first] = problems
  throw new MlforgeError('script_invalid', `The script cannot run: ${first!.at}: ${first!.message}`, {
    problems,
  })
}

async function workingDirectory(
  { files }: ScriptInputs,
  projectDirectory: string,
  copy: string,
): Promise<string> {
  if (files === undefined) return projectRoot(projectDirectory)
  await mkdir(copy)
  await copyProjectFiles(projectDirectory, files, copy)
  return copy
}

function environmentOf(
  { environment = {} }: ScriptInputs,
  { effectKey, runId, step }: StepContext,
  place: (name: string) => string,
): Record<string, string> {
  return {
    PATH,
    HOME: homedir(),
    LANG: 'C.UTF-8',
    TMPDIR: place('tmp'),
    ...environment,
    MLFORGE_INPUTS: place('inputs.json'),
    MLFORGE_OUTPUTS: place('outputs.json'),
    MLFORGE_FILES: place('files'),
    MLFORGE_IDEMPOTENCY_KEY: effectKey,
    MLFORGE_RUN_ID: runId,
    MLFORGE_STEP: step,
  }
}

function failed(program: string, { code, signal }: CommandEnd, lines: readonly string[]): MlforgeError {
  const how = signal === null ? `exit code ${code}` : signal
  return new MlforgeError('script_failed', `The command "${program}" ended with ${how}${lastOf(lines)}`, {
    exitCode: code,
    signal,
    lines,
  })
}

function lastOf(lines: readonly string[]): string {
  const last = lines.findLast(line => line.trim() !== '')
  return last === undefined ? '. It has printed nothing.' : `: ${last.trim()}`
}
