import { describe, expect, it } from '@jest/globals'
import { readTar, writeTar } from '../../infra/launcher/tar.js'

const long = `objects/${'p'.repeat(60)}/sha256/aa/${'a'.repeat(64)}`
const files: [string, Buffer][] = [
  ['empty', Buffer.alloc(0)],
  ['block', Buffer.alloc(512, 1)],
  [long, Buffer.alloc(1500, 2)],
]

async function* entries() {
  for (const [name, bytes] of files) yield { name, bytes: bytes.length, content: [bytes].values() as never }
}

async function collect(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = []
  for await (const chunk of chunks) parts.push(chunk)
  return Buffer.concat(parts)
}

async function* inPieces(bytes: Buffer, size: number) {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

describe('tar', () => {
  it.each([1, 100, 512, 100_000])('reads what it wrote, in pieces of %d bytes', async size => {
    const archive = await collect(writeTar(entries()))
    const found: [string, Buffer][] = []
    for await (const { name, content } of readTar(inPieces(archive, size))) {
      found.push([name, await collect(content)])
    }
    expect(found).toEqual(files)
  })

  it('skips what was not read, and refuses what is cut or changed', async () => {
    const archive = await collect(writeTar(entries()))
    const names = async (bytes: Buffer) => {
      const found: string[] = []
      for await (const { name } of readTar(inPieces(bytes, 700))) found.push(name)
      return found
    }
    expect(await names(archive)).toEqual(files.map(([name]) => name))
    await expect(names(archive.subarray(0, archive.length - 1100))).rejects.toThrow('damaged')
    archive[3] = 0x7a
    await expect(names(archive)).rejects.toThrow('damaged')
  })
})
