import {
  chmod,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rm,
  stat,
  utimes,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { LocalObjectStore } from '../../../stores/objects/local-object-store.js'
import { objectStoreConformance } from './conformance.js'

async function filesBelow(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true })
  return entries
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath, entry.name).slice(directory.length + 1))
    .sort()
}

objectStoreConformance('local', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'mlforge-local-'))
  return {
    store: new LocalObjectStore(directory),
    list: async () => (await filesBelow(directory)).filter(path => !path.startsWith('.tmp/')),
    unfinished: async () => (await filesBelow(directory)).filter(path => path.startsWith('.tmp/')).length,
    corrupt: async uri => {
      const path = join(directory, uri)
      const content = await readFile(path)
      content[100]! ^= 1
      await chmod(path, 0o644)
      await writeFile(path, content)
    },
    remove: uri => rm(join(directory, uri)),
    put: async (project, name, content) => {
      await mkdir(dirname(join(directory, project, name)), { recursive: true })
      await writeFile(join(directory, project, name), content)
    },
    spec: { directory },
    close: () => rm(directory, { recursive: true, force: true }),
  }
})

describe('local object store on disk', () => {
  it('hands out the object itself, read-only', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'mlforge-local-'))
    const store = new LocalObjectStore(directory)
    const { uri } = await store.write('default', new Uint8Array([1, 2, 3]))
    const path = await store.toFile(uri, '/nowhere')
    expect(path).toBe(join(directory, uri))
    expect((await stat(path)).mode & 0o777).toBe(0o444)
    await rm(directory, { recursive: true })
  })

  it('has no server that could take an object from somebody else', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'mlforge-local-'))
    const store = new LocalObjectStore(directory)
    const { uri } = await store.write('default', new Uint8Array([1, 2, 3]))
    expect(await store.presignPut(uri)).toBeNull()
    expect(await store.presignGet(uri)).toBeNull()
    await rm(directory, { recursive: true })
  })

  it('closes the file of a stream that nobody reads', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'mlforge-local-'))
    const store = new LocalObjectStore(directory)
    // More than is read ahead: a smaller one would be closed at its end.
    const { uri } = await store.write('default', new Uint8Array(16_000_000))
    const handles = async (): Promise<number> => {
      const links = await Promise.all(
        (await readdir('/proc/self/fd')).map(fd => readlink(`/proc/self/fd/${fd}`).catch(() => '')),
      )
      return links.filter(link => link.startsWith(directory)).length
    }
    const stream = await store.open(uri)
    expect(await handles()).toBe(1)
    stream.destroy()
    const deadline = Date.now() + 5000
    while ((await handles()) > 0 && Date.now() < deadline) await new Promise(setImmediate)
    expect(await handles()).toBe(0)
    await rm(directory, { recursive: true })
  })

  it('removes temporary files only after a day', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'mlforge-local-'))
    const store = new LocalObjectStore(directory)
    const { uri } = await store.write('default', new Uint8Array([1, 2, 3]))
    const now = Date.now()
    for (const [name, hours] of [
      ['old', 25],
      ['young', 23],
    ] as const) {
      const path = join(directory, '.tmp', name)
      await writeFile(path, 'left behind')
      await utimes(path, (now - hours * 3_600_000) / 1000, (now - hours * 3_600_000) / 1000)
    }
    expect(await store.removeStale(now)).toBe(1)
    expect(await readdir(join(directory, '.tmp'))).toEqual(['young'])
    expect(await store.size(uri)).toBe(3)
    await rm(directory, { recursive: true })
  })
})
