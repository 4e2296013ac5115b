import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals'
import type { DataPush, PackUpload } from '../../../contracts/rest/data.js'
import { DataClient } from '../../../sdk/data/data-client.js'
import { WorkingCopy } from '../../../sdk/data/working-copy.js'
import { Rest } from '../../../sdk/rest.js'
import { TestApi } from '../../api/support/api.js'
import { Versity, versitygw } from '../../stores/objects/support/versity.js'
import { treeOf } from '../../support/data-push.js'
import { Harness } from '../../support/harness.js'

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
