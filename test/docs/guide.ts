import { spawn } from 'node:child_process'
import { blocks, ROOT } from './pages.js'

export interface Step {
  readonly script: string
  /** What the page shows as its output; `…` stands for anything. */
  readonly shown: readonly string[]
}

/** The ```sh blocks of a page, each with the ```text block that follows it. */
export function steps(text: string): Step[] {
  const list = blocks(text)
  return list.flatMap(({ language, text: script }, i) => {
    if (language !== 'sh') return []
    const next = list[i + 1]
    return [{ script, shown: next?.language === 'text' ? next.text.trimEnd().split('\n') : [] }]
  })
}

const MARK = '@@step'
const DEADLINE_MS = 220_000

/** Runs all steps in one bash as a reader would, but stops at the first error. Outputs by step. */
export async function runSteps(list: readonly Step[], env: Record<string, string>): Promise<string[]> {
  const script = list.map(({ script }, i) => `printf '\\n${MARK} ${i}\\n'\n${script}`).join('')
  const bash = spawn('bash', ['-euo', 'pipefail', '-c', script], {
    cwd: ROOT,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  })
  let output = ''
  for (const stream of [bash.stdout, bash.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => (output += text))
  }
  const stop = () => process.kill(-bash.pid!, 'SIGKILL')
  process.once('exit', stop)
  // A page that waits for something which never comes would wait for ever.
  const timer = setTimeout(stop, DEADLINE_MS)
  const code = await new Promise<number | null>((resolve, reject) => {
    bash.once('error', reject)
    bash.once('close', resolve)
  })
  process.off('exit', stop)
  clearTimeout(timer)
  const outputs = output.split(new RegExp(`\\n${MARK} \\d+\\n`)).slice(1)
  if (code !== 0) {
    const failed = outputs.length - 1
    throw new Error(
      `Step ${failed} ended with ${code ?? 'the deadline'}:\n${list[failed]?.script}\n--\n${outputs[failed]}`,
    )
  }
  return outputs
}

/** The first shown line that the output lacks, in order; undefined when it has all. */
export function missingLine(shown: readonly string[], output: string): string | undefined {
  const lines = output.split('\n')
  let from = 0
  return shown.find(line => {
    const pattern = new RegExp(`^${line.split('…').map(escaped).join('.*')}`)
    const at = lines.findIndex((candidate, i) => i >= from && pattern.test(candidate))
    from = at + 1
    return at < 0
  })
}

const escaped = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')
