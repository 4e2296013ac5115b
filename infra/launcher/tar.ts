import { MlforgeError } from '../../domain/errors.js'

// POSIX ustar, so that any tar reads a backup: 512-byte blocks, a header before each file. Sizes of
// 8 GiB and more are written in base 256, as GNU and BSD tar do.
const BLOCK = 512
const OCTAL_LIMIT = 8 ** 11

export interface TarEntry {
  readonly name: string
  readonly bytes: number
  readonly content: AsyncIterable<Uint8Array>
}

/** The bytes of an archive. Each content must have the size that its entry says. */
export async function* writeTar(entries: AsyncIterable<TarEntry>): AsyncGenerator<Uint8Array> {
  for await (const { name, bytes, content } of entries) {
    yield header(name, bytes)
    let sent = 0
    for await (const chunk of content) {
      sent += chunk.byteLength
      yield chunk
    }
    if (sent !== bytes) throw new MlforgeError('internal', `${name} has ${sent} bytes instead of ${bytes}.`)
    if (bytes % BLOCK > 0) yield Buffer.alloc(BLOCK - (bytes % BLOCK))
  }
  yield Buffer.alloc(2 * BLOCK)
}

/** The entries of an archive, one at a time: what is not read of a content is skipped. */
export async function* readTar(archive: AsyncIterable<Uint8Array>): AsyncGenerator<TarEntry> {
  const source = new Blocks(archive)
  for (;;) {
    const block = await source.exactly(BLOCK)
    if (block.every(byte => byte === 0)) return
    const { name, bytes } = parse(block)
    const content = source.stream(bytes)
    yield { name, bytes, content }
    for await (const chunk of content) void chunk
    await source.exactly((BLOCK - (bytes % BLOCK)) % BLOCK)
  }
}

function header(name: string, bytes: number): Buffer {
  const block = Buffer.alloc(BLOCK)
  const cut = name.length <= 100 ? 0 : name.lastIndexOf('/')
  const [prefix, base] = cut === 0 ? ['', name] : [name.slice(0, cut), name.slice(cut + 1)]
  if (prefix.length > 155 || base.length > 100)
    throw new MlforgeError('internal', `The name ${name} is too long.`)
  const octal = (value: number, width: number) => `${value.toString(8).padStart(width - 1, '0')}\0`
  block.write(base, 0)
  block.write(octal(0o600, 8) + octal(0, 8) + octal(0, 8), 100)
  if (bytes < OCTAL_LIMIT) block.write(octal(bytes, 12), 124)
  else {
    block[124] = 0x80
    block.writeBigUInt64BE(BigInt(bytes), 128)
  }
  block.write(`${octal(0, 12)}        0`, 136)
  block.write('ustar\x0000', 257)
  block.write(prefix, 345)
  block.write(`${octal(sum(block), 7)} `, 148)
  return block
}

function parse(block: Buffer): { name: string; bytes: number } {
  const text = (from: number, length: number) => {
    const field = block.subarray(from, from + length)
    const end = field.indexOf(0)
    return field.toString('utf8', 0, end === -1 ? length : end)
  }
  const claimed = Number.parseInt(text(148, 8), 8)
  block.fill(' ', 148, 156)
  if (claimed !== sum(block)) throw damaged()
  const [base, prefix] = [text(0, 100), text(345, 155)]
  const bytes = block[124] === 0x80 ? Number(block.readBigUInt64BE(128)) : Number.parseInt(text(124, 12), 8)
  return { name: prefix === '' ? base : `${prefix}/${base}`, bytes }
}

function sum(block: Buffer): number {
  return block.reduce((total, byte) => total + byte, 0)
}

function damaged(): MlforgeError {
  return new MlforgeError(
    'invalid_request',
    'The file is not a backup, or it is damaged or cut. Take another one.',
  )
}

/** Chunks of any size, read as exact amounts. */
class Blocks {
  readonly #source: AsyncIterator<Uint8Array>
  #rest = Buffer.alloc(0)

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source[Symbol.asyncIterator]()
  }

  async exactly(count: number): Promise<Buffer> {
    const parts: Buffer[] = []
    for await (const chunk of this.stream(count)) parts.push(chunk)
    return Buffer.concat(parts)
  }

  /** May be taken up again where a reader left it. */
  stream(count: number): AsyncIterable<Buffer> {
    let left = count
    const next = async (): Promise<IteratorResult<Buffer>> => {
      if (left === 0) return { done: true, value: undefined }
      if (this.#rest.length === 0) {
        const more = await this.#source.next()
        if (more.done === true) throw damaged()
        const { buffer, byteOffset, byteLength } = more.value
        this.#rest = Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength)
        if (byteLength === 0) return next()
      }
      const value = this.#rest.subarray(0, left)
      this.#rest = this.#rest.subarray(value.length)
      left -= value.length
      return { done: false, value }
    }
    return { [Symbol.asyncIterator]: () => ({ next }) }
  }
}
