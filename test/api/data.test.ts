import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { DataFile, DataPull, DataPush } from '../../contracts/rest/data.js'
import { liveQuery } from '../../contracts/temporal/messages.js'
import { readChunk, sha256Of } from '../../packing/read-chunk.js'
import { FOOTER_BYTES, indexOffset, readPackIndex } from '../../domain/data/pack.js'
import { sha256Hex } from '../../stores/ids.js'
import { type Files, type Tree, treeOf } from '../support/data-push.js'
import { eventually } from '../support/eventually.js'
import { record } from '../support/histories.js'
import { Harness } from '../support/harness.js'
import { TestApi } from './support/api.js'

const FILES: Files = {
  'labels.csv': 'image,label\na.png,1\n',
  'images/a b.png': randomBytes(300_000),
  'images/ä.png': randomBytes(1_000),
  'empty.txt': '',
}
const BINARY = { 'content-type': 'application/octet-stream' }

describe('versions of data over REST', () => {
  let harness: Harness
  let api: TestApi
  let tree: Tree
  beforeAll(async () => {
    harness = await Harness.start()
    api = await TestApi.beside(harness)
    tree = await treeOf(FILES)
  })
  afterAll(async () => {
    await api?.stop()
    await harness?.stop()
  })

  const base = '/v1/datasets/images'
  const body = (of: Tree, more: object = {}) => {
    const { manifest, files, bytes } = of
    return { base: null, manifest, files, bytes, ...more }
  }
  const hashes = (of: Tree) => of.packs.flatMap(pack => pack.chunks.map(({ sha256 }) => sha256))
  const begin = async (of: Tree, more: object = {}, key?: string): Promise<DataPush> => {
    const answer = await api.call('POST', `${base}/pushes`, {
      body: body(of, more),
      ...(key === undefined ? {} : { headers: { 'idempotency-key': key } }),
    })
    expect(answer).toMatchObject({ status: 202 })
    return answer.body as DataPush
  }
  const ended = (id: string): Promise<DataPush> =>
    eventually(async () => {
      const push = (await api.call('GET', `${base}/pushes/${id}`)).body as DataPush
      expect(['succeeded', 'refused', 'failed']).toContain(push.status)
      return push
    })
  const live = async (id: string) => {
    const { workflowId } = await harness.row({ id })
    return harness.client.workflow.getHandle(workflowId).query(liveQuery)
  }
  const sendAll = async (of: Tree, { id }: DataPush) => {
    for (const { sha256, content, chunks } of of.packs) {
      const answer = await api.call('PUT', `${base}/pushes/${id}/packs/${sha256}`, {
        body: content,
        headers: BINARY,
      })
      expect(answer).toMatchObject({
        status: 200,
        body: { sha256, bytes: content.length, chunks: chunks.length },
      })
    }
  }

  it('takes a version in packs', async () => {
    const push = await begin(tree, { message: 'the first', code: { commit: 'abc1', dirty: true } }, 'first')
    expect(push).toMatchObject({
      kind: 'push',
      dataset: 'images',
      branch: 'main',
      received: { packs: 0, bytes: 0, files: 0 },
      sealed: false,
      links: { self: `${base}/pushes/${push.id}` },
    })
    expect(
      (await begin(tree, { message: 'the first', code: { commit: 'abc1', dirty: true } }, 'first')).id,
    ).toBe(push.id)
    const asked = { body: { chunks: hashes(tree) } }
    expect((await api.call('POST', `${base}/pushes/${push.id}/missing`, asked)).body).toEqual({
      missing: hashes(tree),
    })
    await sendAll(tree, push)
    expect((await api.call('POST', `${base}/pushes/${push.id}/missing`, asked)).body).toEqual({ missing: [] })
    // Sent again, it is no other one.
    await sendAll(tree, push)
    expect((await api.call('GET', `${base}/pushes/${push.id}`)).body).toMatchObject({
      received: { packs: 1 },
    })
    const progress = (files: unknown, key = 'mlf_operator') =>
      api.call('POST', `${base}/pushes/${push.id}/progress`, { body: { files }, key })
    expect(await progress(3)).toMatchObject({ status: 200, body: { received: { packs: 1, files: 3 } } })
    expect(await progress(5)).toMatchObject({
      status: 400,
      body: { code: 'invalid_request', problems: [{ at: 'files' }] },
    })
    expect(await progress(-1)).toMatchObject({ status: 400, body: { problems: [{ at: 'files' }] } })
    expect(await progress(3, 'mlf_viewer')).toMatchObject({ status: 403 })
    const total = { files: 4, bytes: tree.bytes }
    await eventually(async () =>
      expect(await live(push.id)).toMatchObject({ stage: 'receive', packs: 1, files: 3, total }),
    )
    const sealed = await api.call('POST', `${base}/pushes/${push.id}/seal`)
    expect(sealed).toMatchObject({ status: 202, body: { sealed: true, received: { files: 4 } } })
    expect(await progress(4)).toMatchObject({ status: 409, body: { code: 'wrong_state' } })
    expect(await ended(push.id)).toMatchObject({ status: 'succeeded', version: 1, created: true })
    expect((await api.call('GET', `${base}/versions/1`)).body).toMatchObject({
      version: 1,
      manifest: tree.manifest,
      files: 4,
      rows: null,
      message: 'the first',
      author: 'key:operator',
      code: { commit: 'abc1', dirty: true },
      artifacts: [],
    })
  })

  it('lists files page by page, and sends each', async () => {
    const found: DataFile[] = []
    for (let after: string | undefined = ''; after !== undefined;) {
      const path: string = `${base}/versions/latest/files?limit=3&after=${encodeURIComponent(after)}`
      const page = (await api.call('GET', path)).body as { items: DataFile[]; nextCursor?: string }
      found.push(...page.items)
      after = page.nextCursor
    }
    expect(found.map(({ path }) => path)).toEqual([
      'empty.txt',
      'images/a b.png',
      'images/ä.png',
      'labels.csv',
    ])
    for (const { path, bytes } of found) {
      const address = `${base}/versions/main/file?path=${encodeURIComponent(path)}`
      const response = await fetch(`${api.url}${address}`, {
        headers: { authorization: 'Bearer mlf_viewer' },
      })
      expect(response.headers.get('content-length')).toBe(String(bytes))
      expect(Buffer.from(await response.arrayBuffer())).toEqual(Buffer.from(FILES[path]!))
    }
    expect(await api.call('GET', `${base}/versions/1/file?path=images/none.png`)).toMatchObject({
      status: 404,
      body: { code: 'not_found' },
    })
  })

  it('sends chunks as a pack', async () => {
    const wanted = hashes(tree)
    const response = await fetch(`${api.url}${base}/chunks`, {
      method: 'POST',
      headers: { authorization: 'Bearer mlf_viewer', 'content-type': 'application/json' },
      body: JSON.stringify({ chunks: wanted }),
    })
    const pack = new Uint8Array(await response.arrayBuffer())
    const index = indexOffset(pack.subarray(-FOOTER_BYTES), pack.length)
    const entries = readPackIndex(pack.subarray(index), pack.length, sha256Of)
    expect(entries.map(({ sha256 }) => sha256)).toEqual(wanted.toSorted())
    for (const entry of entries) readChunk(pack.subarray(entry.offset, entry.offset + entry.stored), entry)
    const none = await api.call('POST', `${base}/chunks`, { body: { chunks: ['0'.repeat(64)] } })
    expect(none).toMatchObject({ status: 500, body: { code: 'object_missing' } })
  })

  it('says what has changed between versions', async () => {
    const next = await treeOf({ ...FILES, 'labels.csv': 'image,label\na.png,2\n', 'new.txt': 'new' })
    const push = await begin(next, { base: 1 })
    const { missing } = (
      await api.call('POST', `${base}/pushes/${push.id}/missing`, { body: { chunks: hashes(next) } })
    ).body as { missing: string[] }
    expect(missing).toHaveLength(3)
    await sendAll(next, push)
    await api.call('POST', `${base}/pushes/${push.id}/seal`)
    expect(await ended(push.id)).toMatchObject({ version: 2 })
    const all = (await api.call('GET', `${base}/diff?from=1&to=latest`)).body
    expect(all).toMatchObject({
      items: [
        { change: 'changed', path: 'labels.csv', from: { bytes: 20 }, to: { bytes: 20 } },
        { change: 'added', path: 'new.txt', from: null, to: { bytes: 3 } },
      ],
    })
    const first = (await api.call('GET', `${base}/diff?from=1&to=2&limit=1`)).body as { nextCursor: string }
    expect(first.nextCursor).toBe('labels.csv')
    const rest = (await api.call('GET', `${base}/diff?from=1&to=2&after=${first.nextCursor}`)).body
    expect(rest).toMatchObject({ items: [{ path: 'new.txt' }] })
    expect((await api.call('GET', `${base}/diff?from=2&to=2`)).body).toEqual({ items: [] })
  })

  it('refuses what was made from another version, before a byte is sent', async () => {
    const other = await treeOf({ 'other.txt': 'other' })
    const answer = await api.call('POST', `${base}/pushes`, { body: body(other, { base: 1 }) })
    expect(answer).toMatchObject({ status: 409, body: { code: 'branch_moved', version: 2 } })
  })

  it('moves branches and tags, whose versions are found by their names', async () => {
    const tag = await api.call('PUT', `${base}/tags/v1.0`, { body: { version: 1 } })
    expect(tag).toMatchObject({
      status: 200,
      body: { kind: 'tag', name: 'v1.0', version: 1, principal: 'key:operator' },
    })
    expect((await api.call('GET', `${base}/versions/v1.0`)).body).toMatchObject({ version: 1 })
    expect(
      await api.call('PUT', `${base}/tags/v1.0`, { body: { version: 2, expected: null } }),
    ).toMatchObject({
      status: 409,
      body: { code: 'branch_moved' },
    })
    expect(await api.call('PUT', `${base}/branches/v1.0`, { body: { version: 1 } })).toMatchObject({
      status: 409,
      body: { code: 'already_exists' },
    })
    expect(await api.call('PUT', `${base}/tags/7`, { body: { version: 1 } })).toMatchObject({
      status: 400,
      body: { code: 'invalid_request', detail: expect.stringContaining('number of a version') },
    })
    expect(await api.call('PUT', `${base}/tags/none`, { body: { version: 9 } })).toMatchObject({
      status: 404,
    })
    expect(await api.call('PUT', `${base}/branches/old`, { body: { version: 1 } })).toMatchObject({
      status: 200,
    })
    expect((await api.call('GET', `${base}/branches`)).body).toMatchObject({
      items: [
        { name: 'main', version: 2 },
        { name: 'old', version: 1 },
      ],
    })
    expect(await api.call('DELETE', `${base}/branches/old`)).toMatchObject({ status: 204 })
    expect(await api.call('GET', `${base}/versions/old`)).toMatchObject({ status: 404 })
    expect(await api.call('DELETE', `${base}/branches/old`)).toMatchObject({ status: 404 })
    const now = encodeURIComponent(`{${new Date().toISOString()}}`)
    expect((await api.call('GET', `${base}/versions/${now}`)).body).toMatchObject({ version: 2 })
    expect(await api.call('GET', `${base}/versions/${encodeURIComponent('{2020-01-01}')}`)).toMatchObject({
      status: 404,
    })
  })

  it('keeps a version for its reader, and ends with him', async () => {
    const answer = await api.call('POST', `${base}/pulls`, { body: { version: 'v1.0' } })
    expect(answer).toMatchObject({
      status: 202,
      body: { kind: 'pull', version: 1, manifest: tree.manifest, files: 4 },
    })
    const { id } = answer.body as DataPull
    const said = { files: 1, bytes: 20, done: false }
    expect(await api.call('POST', `${base}/pulls/${id}/progress`, { body: said })).toMatchObject({
      status: 200,
      body: { received: { files: 1, bytes: 20 } },
    })
    const total = { files: 4, bytes: tree.bytes }
    await eventually(async () =>
      expect(await live(id)).toMatchObject({ stage: 'read', files: 1, bytes: 20, total }),
    )
    const done = { files: 4, bytes: tree.bytes, done: true }
    expect(await api.call('POST', `${base}/pulls/${id}/progress`, { body: done })).toMatchObject({
      status: 200,
    })
    const pull = await eventually(async () => {
      const { body: row } = await api.call('GET', `${base}/pulls/${id}`)
      expect(row).toMatchObject({ status: 'succeeded', received: { files: 4 } })
      return row
    })
    expect(pull).toMatchObject({ received: { bytes: tree.bytes } })
    await record(
      harness.client,
      (await harness.ended(await harness.row({ id }))).workflowId,
      'datasetPull.succeeded',
    )
  })

  it.each<[string, object, string, string]>([
    ['no base', { base: undefined }, 'invalid_request', 'base'],
    ['a base that is no version', { base: 0 }, 'invalid_request', 'base'],
    ['a root that is no hash', { manifest: 'abc' }, 'invalid_request', 'manifest'],
    ['code that is no commit', { code: { commit: 'HEAD', dirty: false } }, 'invalid_request', 'code.commit'],
    ['a branch of digits', { branch: '12' }, 'invalid_request', 'branch'],
    ['a field that is not known', { parent: 1 }, 'invalid_request', 'parent'],
  ])('refuses a push with %s', async (_, more, code, at) => {
    const answer = await api.call('POST', `${base}/pushes`, { body: body(tree, more) })
    expect(answer).toMatchObject({ status: 400, body: { code, problems: [{ at }] } })
  })

  it('refuses packs that are none, that are others, and that come too late', async () => {
    const other = await treeOf({ 'late.txt': randomBytes(100) })
    const push = await begin(other, { base: 2 })
    const pack = other.packs[0]!
    const send = (sha256: string, content: Uint8Array) =>
      api.call('PUT', `${base}/pushes/${push.id}/packs/${sha256}`, { body: content, headers: BINARY })
    const bytes = randomBytes(500)
    expect(await send(pack.sha256, bytes)).toMatchObject({ status: 422, body: { code: 'checksum_mismatch' } })
    const hash = sha256Hex(bytes)
    expect(await send(hash, bytes)).toMatchObject({ status: 422, body: { code: 'version_invalid' } })
    expect(await send('zz', bytes)).toMatchObject({ status: 404 })
    expect(await send(pack.sha256, pack.content)).toMatchObject({ status: 200 })
    await api.call('POST', `${base}/pushes/${push.id}/seal`)
    expect(await ended(push.id)).toMatchObject({ status: 'succeeded' })
    expect(await send(pack.sha256, pack.content)).toMatchObject({
      status: 409,
      body: { code: 'wrong_state' },
    })
  })

  it('lets viewers read and not write', async () => {
    const viewer = { key: 'mlf_viewer' }
    expect(await api.call('POST', `${base}/pushes`, { ...viewer, body: body(tree) })).toMatchObject({
      status: 403,
    })
    expect(await api.call('PUT', `${base}/tags/x`, { ...viewer, body: { version: 1 } })).toMatchObject({
      status: 403,
    })
    expect(await api.call('GET', `${base}/branches`, viewer)).toMatchObject({ status: 200 })
  })
})
