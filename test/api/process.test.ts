import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { connect, createServer, type Server } from 'node:net'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { KeyStore } from '../../stores/postgres/key-store.js'
import { eventually } from '../support/eventually.js'
import { type TestDatabase, testDatabase } from '../support/postgres.js'
import { freePort } from '../support/ports.js'

const MAIN = fileURLToPath(new URL('../../api/main.js', import.meta.url))
describe('the api process', () => {
  let database: TestDatabase
  let directory: string
  let port: number
  let child: ChildProcess | undefined
  let proxy: Server | undefined
  let output = ''
  beforeEach(async () => {
    database = await testDatabase()
    directory = await mkdtemp(join(tmpdir(), 'mlforge-api-process-'))
    port = await freePort()
    output = ''
  })
  afterEach(async () => {
    if (child?.exitCode === null && child.signalCode === null) {
      child.kill('SIGKILL')
      await once(child, 'exit')
    }
    proxy?.close()
    await database.drop()
    await rm(directory, { recursive: true, force: true })
  })

  const launch = (postgres: string) => {
    child = spawn(process.execPath, ['--enable-source-maps', MAIN], {
      cwd: directory,
      env: {
        PATH: process.env['PATH'],
        MLFORGE_API_PORT: String(port),
        MLFORGE_POSTGRES_URL: postgres,
        MLFORGE_REDIS_URL: 'redis://127.0.0.1:1',
        MLFORGE_TEMPORAL_ADDRESS: '127.0.0.1:1',
        MLFORGE_OBJECTS_DIRECTORY: join(directory, 'objects'),
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    for (const stream of [child.stdout!, child.stderr!]) stream.on('data', chunk => (output += String(chunk)))
    return child
  }
  const status = async (path: string, headers: Record<string, string> = {}) =>
    (await fetch(`http://127.0.0.1:${port}${path}`, { headers })).status

  it('comes up without Postgres, says so, and is ready once it answers', async () => {
    const target = new URL(database.url)
    const proxyPort = await freePort()
    const through = new URL(database.url)
    through.host = `127.0.0.1:${proxyPort}`
    launch(through.toString())
    await eventually(async () => expect(await status('/live')).toBe(200))
    expect(await status('/ready')).toBe(503)
    expect(await status('/v1/trainings', { authorization: 'Bearer mlf_x' })).toBe(503)
    proxy = createServer(socket => {
      const upstream = connect(Number(target.port), target.hostname)
      socket.pipe(upstream).pipe(socket)
      socket.on('error', () => upstream.destroy())
      upstream.on('error', () => socket.destroy())
    }).listen(proxyPort, '127.0.0.1')
    await eventually(async () => expect(await status('/ready')).toBe(200))
  })

  it('refuses a database of another release with one line that says what to run', async () => {
    await database.dataSource.query(`DELETE FROM migrations`)
    const [code] = await once(launch(database.url), 'exit')
    expect(code).toBe(1)
    expect(output).toMatch(/api cannot start: The database lacks .*Run "mlforge migrate"\./)
    expect(output).not.toMatch(/^\s+at /m)
  })

  it('says all that is wrong with its configuration and ends', async () => {
    const [code] = await once(launch('nonsense'), 'exit')
    expect(code).toBe(1)
    expect(output).toMatch(/api cannot start: .*MLFORGE_POSTGRES_URL|postgres\.url/)
  })

  it('finishes what it has begun after SIGTERM, then ends by itself', async () => {
    await new KeyStore(database.dataSource).create({
      project: 'default',
      name: 'operator',
      role: 'operator',
      key: 'mlf_operator',
      expiresAt: null,
    })
    const running = launch(database.url)
    await eventually(async () => expect(await status('/ready')).toBe(200))
    const socket = connect(port, '127.0.0.1')
    let answer = ''
    socket.on('data', chunk => (answer += String(chunk)))
    const body = 'a,b\n1,2\n3,4\n'
    socket.write(
      `POST /v1/uploads HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer mlf_operator\r\n` +
        `Content-Type: text/csv\r\nContent-Length: ${body.length}\r\n\r\n${body.slice(0, 5)}`,
    )
    await eventually(async () => expect(await objects(directory)).toBe(1))
    running.kill('SIGTERM')
    await eventually(() => expect(output).toMatch('draining'))
    const gone = once(running, 'exit')
    socket.write(body.slice(5))
    await eventually(() => expect(answer).toMatch(/^HTTP\/1\.1 201 /))
    expect(await gone).toEqual([0, null])
    await expect(status('/live')).rejects.toThrow(/fetch failed/)
    const rows = await database.dataSource.query('SELECT rows FROM uploads')
    expect(rows).toEqual([{ rows: '2' }])
  })
})

async function objects(directory: string): Promise<number> {
  const entries = await readdir(join(directory, 'objects'), { recursive: true, withFileTypes: true })
  return entries.filter(entry => entry.isFile()).length
}
