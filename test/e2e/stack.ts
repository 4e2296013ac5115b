import { execFile } from 'node:child_process'
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { Rest } from '../../sdk/rest.js'
import { readEndpoints } from '../../examples/bike-sharing/story.js'
import { mlforge } from '../support/servers.js'

const run = promisify(execFile)
const ROOT = fileURLToPath(new URL('../../../', import.meta.url))

/** A whole stack of its own, as `mlforge up` starts it. */
export interface Stack {
  readonly stateDirectory: string
  readonly rest: Rest
  /** The data plane: predictions are asked for there. */
  readonly serving: Rest
  /** What a client needs to find the stack. */
  readonly env: Record<string, string>
}

export async function startStack(): Promise<Stack> {
  // Postgres may run as another user, who must be able to reach its data.
  const stateDirectory = await mkdtemp('/var/tmp/mlforge-e2e-')
  await chmod(stateDirectory, 0o755)
  try {
    await mlforge(stateDirectory, ['up'])
    const { api, serving, keyFile } = await readEndpoints(stateDirectory)
    const key = (await readFile(keyFile, 'utf8')).trim()
    const env = {
      MLFORGE_STATE_DIRECTORY: stateDirectory,
      MLFORGE_API_URL: api,
      MLFORGE_API_KEY: key,
    }
    return { stateDirectory, rest: new Rest(api, key), serving: new Rest(serving, key), env }
  } catch (error) {
    await removeStack(stateDirectory)
    throw error
  }
}

export async function removeStack(stateDirectory: string): Promise<void> {
  await mlforge(stateDirectory, ['clean'])
  await rm(stateDirectory, { recursive: true, force: true })
}

/** Output of a shell command as a client of the stack would run it, in the checkout. */
export async function shell(stack: Stack, script: string): Promise<string> {
  const env = { ...process.env, ...stack.env }
  const { stdout } = await run('bash', ['-euo', 'pipefail', '-c', script], { cwd: ROOT, env })
  return stdout
}

/** Saves downloads of the REST API in a directory, by their names. */
export async function download(
  stack: Stack,
  directory: string,
  hrefs: Record<string, string>,
): Promise<void> {
  for (const [name, href] of Object.entries(hrefs)) {
    await shell(
      stack,
      `curl -sS --fail -H "Authorization: Bearer $MLFORGE_API_KEY" -o '${join(directory, name)}' "$MLFORGE_API_URL${href}"`,
    )
  }
}
