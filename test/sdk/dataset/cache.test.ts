import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createHash } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import type { Artifact } from '../../../contracts/rest/common.js'
import { cachedFile } from '../../../sdk/dataset/cache.js'
import { Rest } from '../../../sdk/index.js'
import { refused } from './refused.js'

// What a server sends that is none of ours: ours verifies what it sends.
const CONTENT = Buffer.from('the content of a table')
const SHA256 = createHash('sha256').update(CONTENT).digest('hex')

describe('the cache of tables', () => {
  let server: Server
  let directory: string
  let answers: ((response: ServerResponse) => void)[]
  let asked = 0
  const good = (response: ServerResponse) => response.end(CONTENT)
  const wrong = (response: ServerResponse) => response.end('another content of it!')
  beforeAll(async () => {
    server = createServer((_, response) => {
      asked++
      ;(answers.length > 1 ? answers.shift()! : answers[0]!)(response)
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
  })
  beforeEach(async () => {
    asked = 0
    directory = await mkdtemp(join(tmpdir(), 'mlforge-cache-'))
  })
  afterAll(() => {
    server.closeAllConnections()
    server.close()
  })

  const fetchIt = () => {
    const rest = new Rest(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, 'key')
    const artifact: Artifact = {
      name: 'data.parquet',
      bytes: CONTENT.length,
      sha256: SHA256,
      contentType: '',
      href: '/table',
    }
    return cachedFile(rest, artifact, join(directory, 'cache'))
  }
  const files = () => readdir(join(directory, 'cache'))

  it('fetches again what has another hash, and takes none that stays wrong', async () => {
    answers = [wrong, good]
    const file = await fetchIt()
    expect([asked, await readFile(file)]).toEqual([2, CONTENT])
    expect(await fetchIt()).toBe(file)
    expect(asked).toBe(2)

    await rm(file)
    answers = [wrong]
    await refused(fetchIt(), 'checksum_mismatch', new RegExp(`3 times .*${SHA256}`))
    expect([asked, await files()]).toEqual([5, []])
    await rm(directory, { recursive: true })
  })

  it('keeps half of nothing where the connection breaks', async () => {
    const half = (response: ServerResponse) => {
      response.writeHead(200, { 'content-length': CONTENT.length })
      response.write(CONTENT.subarray(0, 5), () => response.destroy())
    }
    answers = [half, half, good]
    expect(await readFile(await fetchIt())).toEqual(CONTENT)
    expect([asked, await files()]).toEqual([3, [SHA256]])
    await rm(directory, { recursive: true })
  })

  it('removes what a killed process has left, after a day', async () => {
    await mkdir(join(directory, 'cache'))
    const [old, young] = ['a.old.part', 'b.young.part'].map(name => join(directory, 'cache', name)) as [
      string,
      string,
    ]
    await writeFile(old, 'half')
    await writeFile(young, 'half')
    const before = new Date(Date.now() - 25 * 3600_000)
    await utimes(old, before, before)
    answers = [good]
    await fetchIt()
    expect((await files()).toSorted()).toEqual([SHA256, 'b.young.part'].toSorted())
    await rm(directory, { recursive: true })
  })

  it('removes tables that nobody has loaded for 30 days', async () => {
    answers = [good]
    const file = await fetchIt()
    const [unused, used, other] = ['a'.repeat(64), 'b'.repeat(64), 'not ours'].map(name =>
      join(directory, 'cache', name),
    ) as [string, string, string]
    const days = (count: number) => new Date(Date.now() - count * 24 * 3600_000)
    for (const each of [unused, used, other]) await writeFile(each, 'a table')
    await utimes(unused, days(31), days(31))
    await utimes(used, days(29), days(29))
    await utimes(other, days(400), days(400))
    // Loading it counts, as fetching does.
    await utimes(file, days(31), days(31))
    expect([await fetchIt(), asked]).toEqual([file, 1])
    await writeFile(join(directory, 'cache', SHA256), 'damaged')
    await utimes(file, days(1), days(1))
    await fetchIt()
    expect((await files()).toSorted()).toEqual(['b'.repeat(64), 'not ours', SHA256].toSorted())
    expect((await stat(file)).mtimeMs).toBeGreaterThan(days(0.5).getTime())
    await rm(directory, { recursive: true })
  })
})
