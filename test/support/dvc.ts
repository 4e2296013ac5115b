import { execFile } from 'node:child_process'
import { dirname } from 'node:path'
import { promisify } from 'node:util'
import { virtualenv } from '../../bench/virtualenv.js'

const run = promisify(execFile)

/** The `python` that has the real dvc. */
export function dvcPython(): Promise<string> {
  return virtualenv('dvc', ['dvc==3.67.1', 'dvc-s3==3.3.0'], ['antlr4-python3-runtime'])
}

/** Runs the real dvc in a directory; what it says. */
export async function dvc(directory: string, ...args: string[]): Promise<string> {
  const python = await dvcPython()
  const env = {
    ...process.env,
    DVC_NO_ANALYTICS: '1',
    PATH: `${dirname(python)}:${process.env['PATH'] ?? ''}`,
  }
  const { stdout } = await run(python, ['-m', 'dvc', ...args], { cwd: directory, env })
  return stdout
}

/** Runs a script with the packages of dvc; its output, read as JSON. */
export async function dvcScript<T>(script: string, ...args: string[]): Promise<T> {
  const { stdout } = await run(await dvcPython(), ['-c', script, ...args], { maxBuffer: 64 << 20 })
  return JSON.parse(stdout) as T
}

export async function git(directory: string, ...args: string[]): Promise<void> {
  await run('git', ['-c', 'user.name=ada', '-c', 'user.email=ada@example.org', ...args], { cwd: directory })
}
