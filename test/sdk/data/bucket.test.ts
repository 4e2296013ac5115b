import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PutObjectCommand } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals'
import type { DataPush, OfferPack, PackUpload } from '../../../contracts/rest/data.js'
import { DataClient } from '../../../sdk/data/data-client.js'
import { WorkingCopy } from '../../../sdk/data/working-copy.js'
import { Rest } from '../../../sdk/rest.js'
import { objectUri } from '../../../stores/objects/object-uri.js'
import { TestApi } from '../../api/support/api.js'
import { Versity, versitygw } from '../../stores/objects/support/versity.js'
import { treeOf } from '../../support/data-push.js'
import { eventually } from '../../support/eventually.js'
import { Harness, PROJECT } from '../../support/harness.js'

const withServer = versitygw === undefined ? describe.skip : describe

withServer('versions whose packs are in a bucket', () => {
  let server: Versity
  let harness: Harness
  let api: TestApi
  let directory: string
  beforeAll(async () => {
    server = await Versity.start()
    harness = await Harness.start({ env: server.environment() })
    api = await TestApi.beside(harness)
    directory = await mkdtemp(join(tmpdir(), 'mlforge-bucket-'))
  })
  afterAll(async () => {
    await api?.stop()
    await harness?.stop()
    await server?.close()
    await rm(directory, { recursive: true, force: true })
  })

  it('sends packs straight to the bucket, and reads them back', async () => {
    const rest = new Rest(api.url, 'mlf_operator')
    const putBytes = jest.spyOn(rest, 'putBytes')
    const client = new DataClient(rest)
    const copies = ['one', 'two'].map(name => join(directory, name))
    for (const path of copies) await mkdir(path)
    const [copy, other] = copies.map(path => WorkingCopy.init(path, 'files')) as [WorkingCopy, WorkingCopy]
    const content = randomBytes(2_000_000)
    await writeFile(join(copy.root, 'large.bin'), content)
    await copy.add('all')
    await copy.commit({ message: 'one', author: 'somebody', at: new Date() })
    expect(await client.push(copy)).toMatchObject([{ version: 1 }])
    expect(putBytes).not.toHaveBeenCalled()
    await client.pull(other, null)
    expect(content.equals(await readFile(join(other.root, 'large.bin')))).toBe(true)
    await Promise.all([copy.close(), other.close()])
  })

  /** A working copy with a commit of several packs, which is not pushed. */
  async function committed(name: string): Promise<WorkingCopy> {
    await mkdir(join(directory, name))
    const copy = WorkingCopy.init(join(directory, name), name)
    await writeFile(join(copy.root, 'large.bin'), randomBytes(50_000_000))
    await copy.add('all')
    await copy.commit({ message: 'one', author: 'somebody', at: new Date() })
    return copy
  }

  /** Sees that what comes back is what was committed. */
  async function expectPulled(copy: WorkingCopy, onProgress = () => {}): Promise<void> {
    await mkdir(`${copy.root}-pulled`)
    const pulled = WorkingCopy.init(`${copy.root}-pulled`, copy.dataset)
    await new DataClient(new Rest(api.url, 'mlf_operator')).pull(pulled, null, { onProgress })
    const [before, after] = await Promise.all(
      [copy, pulled].map(({ root }) => readFile(join(root, 'large.bin'))),
    )
    expect(after!.equals(before!)).toBe(true)
    await pulled.close()
  }

  it('goes on with a push, and with a pull, when the bucket was away halfway', async () => {
    const copy = await committed('halfway')
    const rest = new Rest(api.url, 'mlf_operator')
    const offered = new Set<string>()
    let back: Promise<void> | undefined
    const post = rest.post.bind(rest)
    rest.post = (path, body, options) => {
      const { sha256 } = { ...(body as Partial<OfferPack>) }
      // It is back when a pack was not taken.
      if (sha256 !== undefined && offered.size === offered.add(sha256).size) back ??= server.run()
      return post(path, body, options)
    }
    let away: Promise<void> | undefined
    const onProgress = () => void (away ??= server.kill())
    expect(await new DataClient(rest).push(copy, { onProgress })).toMatchObject([{ version: 1 }])
    expect(back).toBeDefined()
    await back

    const { manifest } = copy.head
    const read = () => api.call('POST', '/v1/datasets/halfway/chunks', { body: { chunks: [manifest] } })
    expect(await read()).toMatchObject({ status: 200 })
    let returned: Promise<void> | undefined
    await expectPulled(copy, () => {
      returned ??= server.kill().then(async () => {
        await eventually(async () =>
          expect(await read()).toMatchObject({ status: 503, body: { code: 'unavailable' } }),
        )
        await server.run()
      })
    })
    await returned
    await copy.close()
  })

  it('sends packs by way of the API where the bucket is not reached from the client', async () => {
    const copy = await committed('detour')
    const rest = new Rest(api.url, 'mlf_operator')
    const post = rest.post.bind(rest)
    rest.post = async <T>(...asked: Parameters<Rest['post']>) => {
      const answer = await post<T>(...asked)
      const { upload } = answer as Partial<PackUpload>
      return upload ? { ...answer, upload: { ...upload, url: 'http://127.0.0.1:1/pack' } } : answer
    }
    const putBytes = jest.spyOn(rest, 'putBytes')
    expect(await new DataClient(rest).push(copy)).toMatchObject([{ version: 1 }])
    expect(putBytes.mock.calls.length).toBeGreaterThanOrEqual(3)
    await expectPulled(copy)
    await copy.close()
  })

  it('takes no pack on whose checksum the bucket does not know, or knows to be another one', async () => {
    const { manifest, files, bytes, packs } = await treeOf({ 'b.txt': 'unchecked' })
    const base = '/v1/datasets/unchecked/pushes'
    const push = (await api.call('POST', base, { body: { base: null, manifest, files, bytes } }))
      .body as DataPush
    const { sha256, content } = packs[0]!
    const { bucket, prefix } = server.options()
    const at = { Bucket: bucket, Key: prefix + objectUri(PROJECT, sha256, 'packs') }
    const register = () => api.call('POST', `${base}/${push.id}/packs/${sha256}`)
    // Somebody who leaves away what was signed, at a server that lets it pass.
    await server.client.send(new PutObjectCommand({ ...at, Body: content }))
    expect(await register()).toMatchObject({
      status: 422,
      body: { code: 'version_invalid', detail: expect.stringContaining('no checksum') },
    })
    const other = { Body: 'another', ChecksumAlgorithm: 'SHA256' } as const
    await server.client.send(new PutObjectCommand({ ...at, ...other }))
    expect(await register()).toMatchObject({
      status: 422,
      body: { code: 'version_invalid', detail: expect.stringContaining('another checksum') },
    })
    expect((await api.call('GET', `${base}/${push.id}`)).body).toMatchObject({ received: { packs: 0 } })
    const right = { Body: content, ChecksumAlgorithm: 'SHA256' } as const
    await server.client.send(new PutObjectCommand({ ...at, ...right }))
    expect(await register()).toMatchObject({ status: 200, body: { sha256 } })
  })

  it('takes no pack on that is not there, or is another one', async () => {
    const tree = await treeOf({ 'a.txt': 'a' })
    const base = '/v1/datasets/other/pushes'
    const { manifest, files, bytes } = tree
    const push = (await api.call('POST', base, { body: { base: null, manifest, files, bytes } }))
      .body as DataPush
    const [pack] = tree.packs
    const path = `${base}/${push.id}/packs`
    const offer = { sha256: pack!.sha256, bytes: pack!.content.length }
    const { upload } = (await api.call('POST', path, { body: offer })).body as PackUpload
    const { url, headers } = upload!
    const other = Uint8Array.from(pack!.content)
    other[50]! ^= 1
    expect((await fetch(url, { method: 'PUT', headers, body: other })).ok).toBe(false)
    expect(await api.call('POST', `${path}/${pack!.sha256}`)).toMatchObject({
      status: 409,
      body: { code: 'wrong_state', detail: expect.stringContaining('is not there') },
    })
    expect((await fetch(url, { method: 'PUT', headers, body: pack!.content })).ok).toBe(true)
    expect(await api.call('POST', `${path}/${pack!.sha256}`)).toMatchObject({
      status: 200,
      body: { chunks: 2 },
    })
  })
})
