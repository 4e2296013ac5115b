import { afterEach, describe, expect, it } from '@jest/globals'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { runCommand } from '../../trainers/command.js'
import { eventually } from '../support/eventually.js'
import { isGone } from './support.js'

const started: number[] = []
afterEach(() => {
  for (const pid of started.splice(0)) {
    try {
      process.kill(pid, 'SIGKILL')
    } catch {
      // Gone, as it should be.
    }
  }
})

const environment = { PATH: '/usr/bin:/bin', LANG: 'C.UTF-8' }

/** Starts a shell script; what it prints comes as it is printed. */
function start(script: string, stop = new AbortController()) {
  const lines: string[] = []
  const end = runCommand(
    { command: ['sh', '-c', script], cwd: '/', environment },
    { signal: stop.signal, onLine: line => void lines.push(line) },
  )
  return { lines, end, stop }
}

/** Waits until a script has printed this many pids. */
async function pidsOf(lines: readonly string[], count: number): Promise<number[]> {
  const pids = await eventually(() => {
    expect(lines.length).toBeGreaterThanOrEqual(count)
    return lines.slice(0, count).map(Number)
  })
  started.push(...pids)
  return pids
}

const gone = (pids: number[]) => eventually(() => expect(pids.filter(pid => !isGone(pid))).toEqual([]))

/** The leader of the group that a process is in, from field 5 of its stat. */
function leaderOf(pid: number): number {
  return Number(
    readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /, '')
      .split(' ')[2],
  )
}

describe('a command', () => {
  it('ends by a code or a signal, and all that it has printed is told', async () => {
    const { lines, end } = start(`echo one; echo two >&2; echo three > /dev/stderr; pwd; printf end; exit 7`)
    expect(await end).toEqual({ code: 7, signal: null })
    expect(lines.toSorted()).toEqual(['/', 'end', 'one', 'three', 'two'])
    expect(await start('kill -9 $$').end).toEqual({ code: null, signal: 'SIGKILL' })
    const many = start('seq 1 20000')
    await many.end
    expect([many.lines.length, many.lines.at(-1)]).toEqual([20_000, '20000'])
  })

  it('gets this environment, this directory, no input and no other file of ours', async () => {
    const { lines, end } = start('env | sort; cat; ls /proc/self/fd | grep -cx [0-9]')
    await end
    // The directory that ls reads is the fourth; far numbers are of whoever has started the tests.
    expect(lines).toEqual(['LANG=C.UTF-8', 'PATH=/usr/bin:/bin', 'PWD=/', '4'])
  })

  it('prints lines of any length and kind', async () => {
    const { lines, end } = start(
      `head -c 3000000 /dev/zero | tr '\\0' x; echo; printf '10%%\\r20%%\\r\\n\\nä\\n'; head -c 8192 /dev/zero | tr '\\0' y; echo; printf 'z\\r'`,
    )
    await end
    expect(lines).toEqual([`${'x'.repeat(8192)} [cut]`, '10%', '20%', '', 'ä', 'y'.repeat(8192), 'z'])
  })

  it.each([
    ['is not there', ['mlforge-no-such-program'], /there is no such program/],
    ['may not be run', ['/etc/passwd'], /EACCES/],
    ['is no text that a program can be named by', ['a\0b'], /null bytes/],
  ])('that %s cannot be started', async (_, command, why) => {
    const { signal } = new AbortController()
    await expect(
      runCommand({ command, cwd: '/', environment }, { signal, onLine: () => undefined }),
    ).rejects.toMatchObject({ code: 'script_invalid', message: expect.stringMatching(why) })
  })

  it('is told to stop, and may say goodbye', async () => {
    const { lines, end, stop } = start(`trap 'echo bye; exit 0' TERM; echo $$; while :; do sleep 0.05; done`)
    const pids = await pidsOf(lines, 1)
    stop.abort(new Error('enough'))
    await expect(end).rejects.toThrow('enough')
    expect(lines).toContain('bye')
    await gone(pids)
    const { end: never } = start('exit 0', stop)
    await expect(never).rejects.toThrow('enough')
  })

  it('is killed with what it has started where it does not stop', async () => {
    const { lines, end, stop } = start(
      `trap '' TERM; sh -c 'echo $$; while :; do sleep 0.1; done' & echo $$; wait; while :; do sleep 0.1; done`,
    )
    const pids = await pidsOf(lines, 2)
    stop.abort(new Error('enough'))
    await expect(end).rejects.toThrow('enough')
    await gone(pids)
  })

  it('takes along what it leaves running, also where that holds its output', async () => {
    const { lines, end } = start('sleep 600 & echo $!; exit 0')
    expect(await end).toEqual({ code: 0, signal: null })
    await gone(await pidsOf(lines, 1))
  })

  it('survives a signal to its whole group as far as its end is known', async () => {
    expect(await start(`trap 'exit 3' TERM; kill 0; sleep 600`).end).toEqual({ code: 3, signal: null })
  })

  it('dies with its leader', async () => {
    const { lines, end } = start('sleep 600 & echo $!; echo $$; wait')
    const pids = await pidsOf(lines, 2)
    process.kill(leaderOf(pids[1]!), 'SIGKILL')
    await expect(end).rejects.toMatchObject({
      code: 'script_failed',
      message: expect.stringContaining('SIGKILL'),
    })
    await gone(pids)
  })

  it('dies with its grandchild when the process that runs it is killed', async () => {
    const probe = fileURLToPath(new URL('./probes/command-parent.js', import.meta.url))
    const script = `trap '' TERM HUP; sh -c 'sleep 600 & echo $!; echo $$; wait' & echo $$; wait`
    const parent = spawn(process.execPath, [probe, JSON.stringify(['sh', '-c', script])], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    started.push(parent.pid!)
    const lines: string[] = []
    createInterface({ input: parent.stdout }).on('line', line => void lines.push(line))
    const pids = await pidsOf(lines, 3)
    pids.push(leaderOf(pids[0]!))
    expect(new Set(pids).size).toBe(4)
    expect(pids.some(isGone)).toBe(false)
    parent.kill('SIGKILL')
    await once(parent, 'exit')
    await gone(pids)
  })
})
