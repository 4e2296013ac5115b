import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { scriptIdentity } from '../../../../activities/pipelines/script-files.js'
import { scriptStep } from '../../../../activities/pipelines/steps/script.js'
import type { FileValue } from '../../../../domain/pipelines/values.js'
import { errorOf, StepKit } from '../step-kit.js'

let kit: StepKit
let project: string
beforeAll(async () => {
  kit = await StepKit.create()
  project = join(kit.directory, 'project')
  await mkdir(join(project, 'src'), { recursive: true })
  await writeFile(join(project, 'src/run.sh'), 'echo from the file\n', { mode: 0o755 })
  await writeFile(join(project, 'other.txt'), 'other')
  await writeFile(join(kit.directory, 'outside.txt'), 'outside')
  await symlink('../outside.txt', join(project, 'escape.txt'))
  await symlink('other.txt', join(project, 'inside.txt'))
})
afterAll(() => kit.remove())

const run = (inputs: Record<string, unknown>, rest = {}) =>
  kit.run(scriptStep(kit, { projectDirectory: project }), inputs, rest)
const sh = (script: string, inputs: Record<string, unknown> = {}, rest = {}) =>
  run({ command: ['sh', '-c', script], ...inputs }, rest)

describe('a script step', () => {
  it('gives a command its inputs and tables, and takes outputs and files', async () => {
    const table = await kit.table('SELECT 42 AS x')
    const script = `
      const { readFileSync, writeFileSync, mkdirSync } = require('node:fs')
      const { inputs, tables } = JSON.parse(readFileSync(process.env.MLFORGE_INPUTS))
      const head = readFileSync(tables.answers).subarray(0, 4).toString()
      writeFileSync(process.env.MLFORGE_OUTPUTS, JSON.stringify({ head, twice: inputs.n * 2 }))
      mkdirSync(process.env.MLFORGE_FILES + '/sub')
      writeFileSync(process.env.MLFORGE_FILES + '/sub/b.txt', 'b')
      writeFileSync(process.env.MLFORGE_FILES + '/a.txt', process.env.MLFORGE_IDEMPOTENCY_KEY)
      console.log('done')`
    const result = await run({
      command: ['node', '-e', script],
      inputs: { n: 21 },
      tables: { answers: table },
    })
    expect(result).toMatchObject({
      outputs: {
        outputs: { head: 'PAR1', twice: 42 },
        files: { 'a.txt': { kind: 'file', name: 'a.txt' }, 'sub/b.txt': { bytes: 1 } },
      },
      lines: ['done'],
    })
    const files = ('outputs' in result && result.outputs['files']) as unknown as Record<string, FileValue>
    const stored = await readFile(await kit.objects.toFile(files['a.txt']!.uri, kit.directory), 'utf8')
    expect(stored).toBe('0198c0de-0000-7000-8000-000000000001/it/g0')
  })

  it('does well without any outputs, and cannot change the objects that it reads', async () => {
    const table = await kit.table('SELECT 1 AS x')
    const script = `f=$(dirname $MLFORGE_FILES)/tables/t.parquet; chmod u+w $f; echo bad > $f`
    expect(await sh(script, { tables: { t: table } })).toMatchObject({ outputs: { outputs: {}, files: {} } })
    await kit.objects.toFile(table.uri, kit.directory)
  })

  it('has an environment of its own', async () => {
    const { lines } = await sh('env | cut -d= -f1 | sort', { environment: { MINE: '1', LANG: 'C' } })
    const given = ['HOME', 'LANG', 'MINE', 'PATH', 'PWD', 'TMPDIR']
    const ours = ['FILES', 'IDEMPOTENCY_KEY', 'INPUTS', 'OUTPUTS', 'RUN_ID', 'STEP']
    const expected = [...given, ...ours.map(name => `MLFORGE_${name}`)]
    expect(lines.toSorted()).toEqual(expected.toSorted())
  })

  it('works in the project directory, or in a copy of the files that it declares', async () => {
    expect((await sh('ls; cat inside.txt')).lines).toContain('other')
    const { lines } = await sh('find . -type f | sort; ./src/run.sh; echo changed > inside.txt', {
      files: ['src/run.sh', './inside.txt', 'src/run.sh'],
    })
    expect(lines).toEqual(['./inside.txt', './src/run.sh', 'from the file'])
    expect(await readFile(join(project, 'other.txt'), 'utf8')).toBe('other')
  })

  it('refuses files that are not of the project, all of them at once', async () => {
    const files = ['../outside.txt', '/etc/passwd', 'escape.txt', 'src', 'missing.py', 'src/run.sh']
    expect(await errorOf(sh('true', { files }))).toMatchObject({
      code: 'script_invalid',
      retryable: false,
      details: {
        problems: [
          { at: 'files: ../outside.txt', message: expect.stringContaining('".."') },
          { at: 'files: /etc/passwd' },
          { at: 'files: escape.txt', message: 'It is a link out of the project.' },
          { at: 'files: src', message: expect.stringContaining('no file') },
          { at: 'files: missing.py', message: expect.stringContaining('no such file') },
        ],
      },
    })
    const away = scriptStep(kit, { projectDirectory: join(project, 'away') })
    expect(await errorOf(kit.run(away, { command: ['true'] }))).toMatchObject({ code: 'script_invalid' })
  })

  it('refuses what cannot be run, all of it at once', async () => {
    const environment = { MLFORGE_STEP: 'x', 'a b': 'x', NUL: 'a\0' }
    const tables = { '../x': {} }
    expect(await errorOf(run({ command: [], environment, tables }))).toMatchObject({
      code: 'script_invalid',
      details: {
        problems: [
          { at: 'tables.../x' },
          { at: 'command' },
          { at: 'environment.MLFORGE_STEP' },
          { at: 'environment.a b' },
          { at: 'environment.NUL' },
        ],
      },
    })
    expect(await errorOf(run({ command: ['mlforge-no-such-program'] }))).toMatchObject({
      code: 'script_invalid',
    })
  })

  it('fails with its code and its last lines, and may be tried again', async () => {
    expect(await errorOf(sh('seq 1 30; echo what is wrong >&2; sleep 0; exit 3'))).toMatchObject({
      code: 'script_failed',
      retryable: true,
      message: expect.stringMatching(/^The command "sh" ended with exit code 3: /),
      details: { exitCode: 3, signal: null, lines: expect.arrayContaining(['what is wrong', '30']) },
    })
    expect(await errorOf(sh('kill -TERM $$'))).toMatchObject({
      message: 'The command "sh" ended with SIGTERM. It has printed nothing.',
    })
  })

  it('may print and give what no column can hold', async () => {
    const given = String.raw`{"a\u0000": "\ud800"}`
    const { lines, ...result } = await sh(`printf 'x\\0y\\n'; printf '%s' '${given}' > $MLFORGE_OUTPUTS`)
    expect(lines).toEqual(['x\0y'])
    expect(result).toMatchObject({ outputs: { outputs: { 'a\ufffd': '\ufffd' } } })
    expect(await errorOf(sh(`printf 'x\\0y'; exit 1`))).toMatchObject({ details: { lines: ['x\ufffdy'] } })
  })

  it('may refuse its data for good', async () => {
    expect(await sh('echo the data are stale; exit 65')).toMatchObject({
      refused: {
        code: 'script_refused',
        message: 'The command "sh" refuses its data (exit code 65): the data are stale',
      },
    })
  })

  it.each([
    ['no JSON', 'echo "{" > $MLFORGE_OUTPUTS', /is no JSON/],
    ['no object', 'echo "[1]" > $MLFORGE_OUTPUTS', /holds no JSON object/],
    ['too much', 'head -c 1048577 /dev/zero > $MLFORGE_OUTPUTS', /holds 1048577 bytes, at most 1048576/],
    ['a link', 'ln -s /etc/passwd $MLFORGE_OUTPUTS', /no regular file/],
    ['a pipe', 'mkfifo $MLFORGE_OUTPUTS', /no regular file/],
    ['too many files', 'cd $MLFORGE_FILES; seq 1 1001 | xargs touch', /has left 1001 files/],
  ])('fails where it leaves %s', async (_, script, why) => {
    expect(await errorOf(sh(script))).toMatchObject({
      code: 'script_failed',
      message: expect.stringMatching(why),
    })
  })

  it('leaves out links and pipes among its files, and says so', async () => {
    const result = await sh('cd $MLFORGE_FILES; ln -s /etc/passwd p; ln -s / root; mkfifo f; echo x > a')
    expect(result).toMatchObject({ outputs: { files: { a: { bytes: 2 } } } })
    expect(Object.keys('outputs' in result ? (result.outputs['files'] as object) : {})).toEqual(['a'])
    expect(result.lines).toEqual(
      ['f', 'p', 'root'].map(name => `${name} is no regular file and was left out`),
    )
  })

  it('stops when it is told to, and its directory can be removed', async () => {
    const stop = new AbortController()
    const running = errorOf(
      sh(
        'echo begun; while :; do echo x > $TMPDIR/x; done',
        {},
        {
          signal: stop.signal,
          log: () => stop.abort(new Error('stop')),
        },
      ),
    )
    expect(await running).toMatchObject({ message: 'stop' })
    expect((await readdir(kit.directory)).filter(name => name.startsWith('scratch-'))).toEqual([])
  })
})

describe('the identity of a script', () => {
  const identity = (command: string[], files?: string[]) =>
    scriptIdentity({ command, ...(files && { files }) }, project)

  it('is that of its command and of the content of its files', async () => {
    const one = await identity(['sh', 'a.sh'], ['other.txt', 'src/run.sh'])
    expect(one).toMatch(/^[0-9a-f]{64}$/)
    expect(await identity(['sh', 'a.sh'], ['src/run.sh', './other.txt', 'other.txt'])).toBe(one)
    const others = [
      await identity(['sh', 'b.sh'], ['other.txt', 'src/run.sh']),
      await identity(['sh a.sh'], ['other.txt', 'src/run.sh']),
      await identity(['sh', 'a.sh'], ['other.txt']),
    ]
    await writeFile(join(project, 'other.txt'), 'changed')
    others.push(await identity(['sh', 'a.sh'], ['other.txt', 'src/run.sh']))
    await writeFile(join(project, 'other.txt'), 'other')
    expect(new Set([one, ...others]).size).toBe(5)
    expect(await identity(['sh', 'a.sh'], ['other.txt', 'src/run.sh'])).toBe(one)
  })

  it('is none where files are not declared, and an error where they are not there', async () => {
    expect(await identity(['sh'])).toBeNull()
    expect(await errorOf(identity(['sh'], ['gone']))).toMatchObject({ code: 'script_invalid' })
  })
})
