import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { findProgram } from '../../infra/launcher/find-program.js'
import { distRoot, packageRoot } from '../../infra/launcher/package-root.js'
import { until } from '../../infra/launcher/proc.js'

interface Result {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

let cwd: string
beforeAll(() => {
  cwd = mkdtempSync(join(tmpdir(), 'mlforge-cli-'))
})
afterAll(async () => {
  await mlforge(['clean'])
  rmSync(cwd, { recursive: true, force: true })
})

function execute(program: string, args: readonly string[], env: Record<string, string>): Promise<Result> {
  return new Promise(resolve => {
    execFile(program, args, { cwd, env }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code ?? -1), stdout, stderr })
    })
  })
}

function mlforge(args: readonly string[], env: Record<string, string> = {}): Promise<Result> {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('MLFORGE_'))
  const all = { ...(Object.fromEntries(inherited) as Record<string, string>), ...env }
  return execute(process.execPath, [join(distRoot, 'cli', 'main.js'), ...args], all)
}

describe('exit codes and messages', () => {
  it('a wrong command is 2 and names the nearest', async () => {
    const { code, stderr } = await mlforge(['statsu'])
    expect(code).toBe(2)
    expect(stderr).toContain('Did you mean status?')
  })

  it('--help is 0 and lists every command', async () => {
    const { code, stdout } = await mlforge(['--help'])
    expect(code).toBe(0)
    for (const command of ['up', 'down', 'status', 'clean', 'doctor', 'engines', 'migrate']) {
      expect(stdout).toMatch(new RegExp(`^  ${command}\\b`, 'm'))
    }
  })

  it('a wrong configuration is 2, one line per problem, and nothing was started', async () => {
    const file = join(cwd, 'wrong.yaml')
    writeFileSync(file, 'worker:\n  trainSlot: 3\n')
    const { code, stderr } = await mlforge(['up'], { MLFORGE_CONFIG: file, MLFORGE_OFLINE: '1' })
    expect(code).toBe(2)
    expect(stderr).toContain('  wrong.yaml:2:3: Unknown key "worker.trainSlot". Did you mean "trainSlots"?')
    expect(stderr).toContain('  MLFORGE_OFLINE: Unknown variable. Did you mean "MLFORGE_OFFLINE"?')
    expect(stderr).not.toContain('at ')
    expect(() => statSync(join(cwd, '.mlforge'))).toThrow('ENOENT')
  })

  it('an unknown part is 2', async () => {
    const { code, stderr } = await mlforge(['up', '--parts', 'redsi'])
    expect([code, stderr]).toEqual([2, expect.stringContaining('Did you mean "redis"?')])
  })

  it('migrate without a stack is 2 and says what to do', async () => {
    const { code, stderr } = await mlforge(['migrate'])
    expect(code).toBe(2)
    expect(stderr).toContain('MLFORGE_POSTGRES_URL: postgres.url is not set. Start the stack with mlforge up')
  })

  it('status is 1 where nothing runs, down is 0', async () => {
    const status = await mlforge(['status', '--json'])
    expect(status.code).toBe(1)
    expect(JSON.parse(status.stdout)).toMatchObject({ healthy: false, supervisor: { running: false } })
    const down = await mlforge(['down'])
    expect([down.code, down.stdout]).toEqual([0, 'Nothing was running.\n'])
  })
})

describe('a stack', () => {
  it('goes up, is healthy, shows its addresses to its owner alone, and goes down', async () => {
    const up = await mlforge(['up', '--parts', 'redis'])
    expect([up.code, up.stderr]).toEqual([0, ''])
    expect(up.stdout).toMatch(/redis: ready on port \d+/)
    const path = join(cwd, '.mlforge', 'endpoints.json')
    const endpoints = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>
    expect(Object.keys(endpoints)).toEqual([
      'api',
      'serving',
      'temporalAddress',
      'temporalUi',
      'namespace',
      'postgresUrl',
      'redisUrl',
      'objects',
      'keyFile',
      'processes',
    ])
    expect(endpoints['redisUrl']).toMatch(/^redis:\/\/:.{43}@127\.0\.0\.1:\d+$/)
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(statSync(join(cwd, '.mlforge', 'keys', 'redis')).mode & 0o777).toBe(0o600)

    const status = await mlforge(['status'])
    expect([status.code, status.stdout]).toEqual([0, expect.stringMatching(/^redis +ready/m)])
    const down = await mlforge(['down'])
    expect([down.code, down.stdout]).toEqual([0, 'redis: stopped\nStopped 1 processes.\n'])
    expect((await mlforge(['status'])).code).toBe(1)
  })

  it.each([
    ['once it is ready', ({ parts }: Report) => parts.some(part => part.name === 'redis' && part.healthy)],
    ['while it starts', ({ supervisor }: Report) => supervisor.running],
  ])('in the foreground goes down with the command, %s', async (_when, reached) => {
    const foreground = mlforge(['up', '--foreground', '--parts', 'redis'])
    let supervisor = 0
    const isThere = async () => {
      const report = JSON.parse((await mlforge(['status', '--json'])).stdout) as Report
      supervisor = report.supervisor.pid ?? 0
      return reached(report)
    }
    expect(await until(isThere, 60_000)).toBe(true)
    const [pid] = childrenOf(process.pid, '--foreground')
    if (pid === undefined) throw new Error('The command in the foreground is gone.')
    process.kill(pid, 'SIGINT')
    const { code, stdout } = await foreground
    expect([code, stdout]).toEqual([
      0,
      expect.stringMatching(/redis: (stopped|was not running)|Nothing was running/),
    ])
    expect(() => process.kill(supervisor, 0)).toThrow('ESRCH')
  })
})

interface Report {
  readonly supervisor: { readonly running: boolean; readonly pid?: number }
  readonly parts: readonly { readonly name: string; readonly healthy: boolean }[]
}

function childrenOf(parent: number, argument: string): number[] {
  const text = readFileSync(`/proc/${parent}/task/${parent}/children`, 'utf8').trim()
  return text
    .split(' ')
    .map(Number)
    .filter(pid => readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(argument))
}

describe('what is missing', () => {
  /** A PATH with these programs alone. */
  function pathWith(...programs: string[]): string {
    const directory = mkdtempSync(join(cwd, 'path-'))
    mkdirSync(directory, { recursive: true })
    for (const name of programs) symlinkSync(findProgram(name) ?? '', join(directory, name))
    return directory
  }

  it('is named all at once before there is Node', async () => {
    const script = join(packageRoot, 'scripts', 'preflight.sh')
    const { code, stdout } = await execute('/bin/sh', [script], { PATH: pathWith('id') })
    expect(code).toBe(1)
    for (const name of ['Node.js 20.19', 'npm', 'Python 3.11', 'make'])
      expect(stdout).toContain(`MISSING  ${name}`)
    expect(stdout.match(/apt-get install/g)).toHaveLength(4)
  })

  it('is named all at once by doctor, with the line that installs it', async () => {
    const env = { PATH: pathWith('id'), MLFORGE_CACHE_DIRECTORY: join(cwd, 'cache'), MLFORGE_OFFLINE: '1' }
    const { code, stdout } = await mlforge(['doctor', '--json'], env)
    const { ok, findings } = JSON.parse(stdout) as { ok: boolean; findings: Finding[] }
    expect([code, ok]).toEqual([1, false])
    const missing = findings.filter(finding => !finding.ok)
    expect(missing.map(({ name }) => name)).toEqual(expect.arrayContaining(['Python', 'make', 'Temporal']))
    // Only tests need it: it is named, and nothing fails.
    const versitygw = findings.find(({ name }) => name === 'VersityGW')
    expect(versitygw).toMatchObject({ ok: true, detail: expect.stringContaining('missing; without it') })
    expect(missing.every(({ fix }) => (fix ?? '') !== '')).toBe(true)
  })

  it('is nothing on this machine', async () => {
    const { code, stdout } = await mlforge(['doctor', '--quiet'])
    expect([code, stdout]).toEqual([0, ''])
  })
})

interface Finding {
  readonly name: string
  readonly ok: boolean
  readonly detail: string
  readonly fix?: string
}
