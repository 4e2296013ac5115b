import { spawn } from 'node:child_process'

export interface CommandResult {
  /** Exit code; -1 when the program could not be started or was killed. */
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

export interface CommandOptions {
  readonly cwd?: string
  readonly env?: NodeJS.ProcessEnv
  readonly timeoutMs?: number
  readonly uid?: number
  readonly gid?: number
  /** Called with each line of stderr and stdout as it comes. */
  readonly onLine?: (line: string) => void
}

/** Runs a program to its end and never throws: a program that is missing answers with code -1. */
export function run(
  program: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  const { onLine, timeoutMs, ...spawnOptions } = options
  return new Promise(resolve => {
    const child = spawn(program, args, {
      ...spawnOptions,
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(timeoutMs === undefined ? {} : { timeout: timeoutMs, killSignal: 'SIGKILL' as const }),
    })
    const text = { stdout: '', stderr: '' }
    for (const stream of ['stdout', 'stderr'] as const) {
      let rest = ''
      child[stream].setEncoding('utf8').on('data', (chunk: string) => {
        text[stream] += chunk
        if (onLine === undefined) return
        const lines = (rest + chunk).split('\n')
        rest = lines.pop() ?? ''
        for (const line of lines) onLine(line)
      })
    }
    child.on('error', error => resolve({ code: -1, stdout: text.stdout, stderr: error.message }))
    child.on('close', code => resolve({ code: code ?? -1, ...text }))
  })
}

/** The last lines of what a program said, for messages. */
export function lastLines(text: string, count = 5): string {
  return text.trimEnd().split('\n').slice(-count).join('\n')
}
