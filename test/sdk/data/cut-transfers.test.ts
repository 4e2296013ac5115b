import { randomBytes } from 'node:crypto'
import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import { MlforgeError } from '../../../domain/errors.js'
import { makePack } from '../../../packing/make-pack.js'
import { DataClient } from '../../../sdk/data/data-client.js'
import type { WorkingCopy } from '../../../sdk/data/working-copy.js'
import { Rest } from '../../../sdk/rest.js'
import { sha256Hex } from '../../../stores/ids.js'
import { objectUri } from '../../../stores/objects/object-uri.js'
import { treeOf } from '../../support/data-push.js'
import { PROJECT } from '../../support/harness.js'
import { ClientBench, filesOf, WHO, write } from './client-bench.js'

describe('transfers that meet with damage, or are cut off', () => {
  let bench: ClientBench
  let harness: ClientBench['harness']
  let api: ClientBench['api']
  let client: ClientBench['client']
  let directory: ClientBench['directory']
  beforeAll(async () => {
    bench = await ClientBench.start()
    ;({ harness, api, client, directory } = bench)
  })
  afterEach(() => bench.closeCopies())
  afterAll(() => bench?.stop())

  const copyAt = (name: string, dataset: string) => bench.copyAt(name, dataset)

  it.each(['flipped', 'away'])(
    'brings what is in a pack with bytes %s from another pack that has it',
    async how => {
      const files = { 'a.csv': `${how},demand\n`.repeat(5_000), 'b.bin': randomBytes(700_000), 'c.txt': how }
      const dataset = `healed-${how}`
      const copy = await copyAt(`from-${how}`, dataset)
      for (const [path, content] of Object.entries(files)) await write(copy, path, content)
      await copy.add('all')
      await copy.commit({ ...WHO, message: 'a' })
      await client.push(copy)
      const { objects, catalogue, packs } = harness.ports
      const chunks = (await treeOf(files)).packs.flatMap(pack => pack.chunks.map(({ sha256 }) => sha256))
      const read = await packs.read(PROJECT, chunks)
      const pieces = [{ content: Buffer.from(how), sha256: sha256Hex(how) }, ...read].map(
        ({ sha256, content }) => ({ sha256, bytes: content.length, from: { content } }),
      )
      const pack = makePack(pieces)
      await objects.write(PROJECT, pack.content, { kind: 'packs', sha256: pack.sha256 })
      await catalogue.add(PROJECT, { ...pack, bytes: pack.content.length }, objects)
      const damage = async (place: 0 | 1): Promise<void> => {
        const places = await catalogue.locate(PROJECT, chunks)
        const found = [...places.values()].flatMap(each => each[place] ?? [])
        for (const pack of new Set(found.map(each => each.pack))) {
          const file = harness.objectFile(objectUri(PROJECT, pack, 'packs'))
          if (how === 'away') await rm(file)
          else
            await writeFile(
              file,
              (await readFile(file)).map(byte => byte ^ 0x40),
            )
        }
      }
      await damage(0)
      const to = await copyAt(`to-${how}`, dataset)
      await client.pull(to, null)
      expect(await filesOf(to)).toEqual(await filesOf(copy))

      await damage(1)
      const nowhere = client.pull(await copyAt(`late-${how}`, dataset), null)
      await expect(nowhere).rejects.toMatchObject({
        code: 'object_corrupt',
        message: expect.stringContaining('in no other pack'),
      })
    },
  )

  it('goes back to the version that a pull has come from which was cut off, and takes a pull on that was', async () => {
    const copy = await copyAt('cut-one', 'cut')
    const [before, after] = [await copyAt('cut-1', 'cut'), await copyAt('cut-2', 'cut')]
    for (const [version, at] of [
      ['one', before],
      ['two', after],
    ] as const) {
      for (let i = 0; i < 30; i++) await write(copy, `f${i}`, `${version} ${i}`)
      await copy.add('all')
      await copy.commit({ ...WHO, message: version })
      await client.push(copy)
      await client.pull(at, null)
    }
    const cut = async (to: WorkingCopy, version: string) => {
      const stop = new AbortController()
      const pulled = client.pull(to, version, { signal: stop.signal, onProgress: () => stop.abort() })
      await expect(pulled).rejects.toThrow(/abort/i)
      expect(to.isInterrupted).toBe(true)
    }
    await cut(before, '2')
    expect(await filesOf(before)).not.toEqual(await filesOf(after))
    expect(await client.pull(before, '1')).toMatchObject({ version: 1, written: expect.any(Number) })
    expect(await before.status()).toMatchObject({ isInterrupted: false, unstaged: { changed: [] } })
    expect((await filesOf(before))['f7']).toBe(`0 ${Buffer.from('one 7').toString('base64')}`)

    await cut(before, '2')
    await client.pull(before, '2')
    expect(before.isInterrupted).toBe(false)
    expect(await filesOf(before)).toEqual(await filesOf(after))
  })

  it('has the old commits or the new one wherever a rebase is cut off, and takes messages of any length', async () => {
    const [copy, other] = [await copyAt('long-one', 'long'), await copyAt('long-two', 'long')]
    await write(copy, 'base', 'base')
    await copy.add('all')
    await copy.commit({ ...WHO, message: 'b'.repeat(10_000) })
    await client.push(copy)
    await client.pull(other, null)
    await write(copy, 'theirs', 'theirs')
    await copy.add('all')
    await copy.commit({ ...WHO, message: 'theirs' })
    await client.push(copy)
    for (const name of ['one', 'two']) {
      await write(other, name, name)
      await other.add('all')
      await other.commit({ ...WHO, message: name.repeat(3_000) })
    }
    await write(other, 'staged', 'not committed')
    await other.add('all')
    const old = other.drafts()
    const stop = new AbortController()
    const rest = new Rest(api.url, 'mlf_operator')
    const load = rest.postForBytes.bind(rest)
    rest.postForBytes = (...asked) => {
      stop.abort()
      return load(...asked)
    }
    await expect(new DataClient(rest).rebase(other, { signal: stop.signal })).rejects.toThrow(/abort/i)
    expect(other.isInterrupted).toBe(true)
    expect(other.drafts()).toEqual(old)
    const { draft } = await client.rebase(other)
    expect(draft!.message).toHaveLength(10_000)
    expect(other.drafts()).toEqual([draft])
    expect((await other.status()).staged.added).toEqual(['staged'])
    expect(await client.push(other)).toMatchObject([{ version: 3, created: true }])
    await expect(copy.commit({ ...WHO, message: 'b'.repeat(10_001) })).rejects.toThrow('10000 characters')
    await expect(copy.commit({ ...WHO, author: 'a'.repeat(201), message: 'b' })).rejects.toThrow('200')
    await expect(copy.commit({ ...WHO, message: 'a\0b' })).rejects.toThrow('null character')
  })

  it('pulls a version only with the files that it is to have', async () => {
    const copy = await copyAt('pinned', 'pinned')
    await write(copy, 'a', 'a')
    await copy.add('all')
    const { manifest } = await copy.commit({ ...WHO, message: 'a' })
    await client.push(copy)
    const to = await copyAt('pinned-to', 'pinned')
    const other = client.pull(to, '1', { manifest: 'f'.repeat(64) })
    await expect(other).rejects.toMatchObject({ code: 'wrong_state' })
    expect(await filesOf(to)).toEqual({})
    expect(await client.pull(to, '1', { manifest })).toMatchObject({ version: 1, written: 1 })
  })

  it('writes one file of a version, whole or not at all', async () => {
    const copy = await copyAt('one-file', 'one-file')
    const large = randomBytes(5_000_000)
    await write(copy, 'large', large)
    await copy.add('all')
    await copy.commit({ ...WHO, message: 'a' })
    await client.push(copy)
    const to = join(directory, 'fetched')
    expect(await client.fileTo('one-file', 'main', 'large', to)).toBe(5_000_000)
    expect(large.equals(await readFile(to))).toBe(true)
    await expect(client.fileTo('one-file', '1', 'none', to)).rejects.toMatchObject({
      problem: { status: 404 },
    })
    expect(large.equals(await readFile(to))).toBe(true)
    const rest = new Rest(api.url, 'mlf_operator')
    const whole = rest.downloadTo.bind(rest)
    rest.downloadTo = (path, bytes, take) =>
      whole(path, bytes, async content => {
        content.once('data', () => content.destroy(new MlforgeError('unavailable', 'cut')))
        return take(content)
      })
    await expect(new DataClient(rest).fileTo('one-file', '1', 'large', `${to}-cut`)).rejects.toThrow('cut')
    expect((await readdir(directory)).filter(name => /fetched/.test(name))).toEqual(['fetched'])
  })

  it('says that one file cannot be read which is damaged behind its beginning', async () => {
    const copy = await copyAt('torn', 'torn')
    await write(copy, 'large', randomBytes(12_000_000))
    await copy.add('all')
    await copy.commit({ ...WHO, message: 'a' })
    await client.push(copy)
    const [pack] = await harness.database.dataSource.query(
      'SELECT sha256 FROM data_packs WHERE bytes > 12e6 ORDER BY id DESC',
    )
    const file = harness.objectFile(objectUri(PROJECT, pack.sha256.toString('hex'), 'packs'))
    const bytes = await readFile(file)
    bytes[8_000_000]! ^= 0x40
    await rm(file)
    await writeFile(file, bytes)
    await expect(client.fileTo('torn', '1', 'large', join(directory, 'torn file'))).rejects.toMatchObject({
      code: 'object_corrupt',
      message: expect.stringMatching(/cannot be read to its end.*mlforge data verify torn@1/),
    })
  })
})
