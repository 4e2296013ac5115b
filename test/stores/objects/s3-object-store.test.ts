import { createHash, randomBytes } from 'node:crypto'
import { chmod, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { buffer } from 'node:stream/consumers'
import {
  CreateMultipartUploadCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
} from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { S3ObjectStore } from '../../../stores/objects/s3-object-store.js'
import { objectUri } from '../../../stores/objects/object-uri.js'
import { eventually } from '../../support/eventually.js'
import { objectStoreConformance } from './conformance.js'
import { Versity, versitygw } from './support/versity.js'
import { Wire } from './support/wire.js'

const DAY = 86_400_000
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const sha256 = (content: Uint8Array): string => createHash('sha256').update(content).digest('hex')

async function keysOf(server: Versity): Promise<string[]> {
  const { bucket, prefix } = server.options()
  const page = await server.client.send(new ListObjectsV2Command({ Bucket: bucket }))
  return (page.Contents ?? []).map(({ Key = '' }) => Key.slice(prefix.length)).sort()
}

async function uploadsOf(server: Versity): Promise<string[]> {
  const page = await server.client.send(new ListMultipartUploadsCommand({ Bucket: server.options().bucket }))
  return (page.Uploads ?? []).map(({ Key = '' }) => Key)
}

const MISSING = 'VersityGW is missing: `mlforge servers install --tests` builds it, where Go is.'
const withServer = versitygw === undefined ? describe.skip : describe

it('runs against a real S3 server, in CI at any rate', () => {
  if (versitygw === undefined) console.warn(`SKIPPED: all tests of the s3 object store. ${MISSING}`)
  expect(versitygw === undefined && process.env['CI'] ? MISSING : 'there').toBe('there')
})

withServer('with VersityGW', () => {
  for (const checksums of ['when_supported', 'when_required'] as const) {
    objectStoreConformance(`s3 (checksums ${checksums})`, async () => {
      const server = await Versity.start()
      const options = server.options({ checksums })
      const keyOf = (uri: string) => options.prefix + uri
      return {
        store: new S3ObjectStore(options, server.scratch),
        spec: { s3: options, scratch: server.scratch },
        list: () => keysOf(server),
        unfinished: async () => (await uploadsOf(server)).length + (await readdir(server.scratch)).length,
        corrupt: async uri => {
          const path = server.fileOf(keyOf(uri))
          const content = await readFile(path)
          content[100]! ^= 1
          await chmod(path, 0o644)
          await writeFile(path, content)
        },
        remove: uri => rm(server.fileOf(keyOf(uri))),
        put: async (project, name, content) => {
          const Key = keyOf(`${project}/${name}`)
          await server.client.send(new PutObjectCommand({ Bucket: options.bucket, Key, Body: content }))
        },
        close: () => server.close(),
      }
    })
  }

  describe('s3 object store and its server', () => {
    let server: Versity
    let store: S3ObjectStore
    let wire: Wire
    /** The same store, over a wire that can be cut. */
    let wired: S3ObjectStore

    beforeAll(async () => {
      server = await Versity.start()
      wire = await Wire.to(server.port)
      store = new S3ObjectStore(server.options(), server.scratch)
      wired = new S3ObjectStore(server.options({ endpoint: wire.endpoint }), server.scratch)
    })
    afterAll(async () => {
      await wire.close()
      await server.close()
    })

    describe('presigned', () => {
      const content = bytes('from a user')
      const uri = objectUri('default', sha256(content), 'packs')
      const send = async (body: Uint8Array, changes: Record<string, string> = {}) => {
        const { url, headers } = await store.presignPut(uri, { bytes: content.length, expiresSeconds: 60 })
        return (await fetch(url, { method: 'PUT', body, headers: { ...headers, ...changes } })).status
      }

      it.each([
        ['other bytes', bytes('from a thief'.slice(0, 11)), {}, 400],
        ['more bytes', bytes('from a user, and more'), { 'content-length': '21' }, 403],
        [
          'another checksum',
          bytes('from a thief'.slice(0, 11)),
          { 'x-amz-checksum-sha256': Buffer.from(sha256(bytes('from a thie')), 'hex').toString('base64') },
          403,
        ],
        ['a hash of its own making', content, { 'x-amz-meta-sha256': 'a'.repeat(64) }, 403],
      ])('is refused with %s, and nothing is visible', async (_what, body, changes, status) => {
        expect(await send(body, changes)).toBe(status)
        expect(await store.checksum(uri)).toBeNull()
      })

      it('is taken with the right bytes, and read by anybody who has the address', async () => {
        expect(await send(content)).toBe(200)
        expect(await store.checksum(uri)).toEqual({ bytes: content.length, sha256: sha256(content) })
        const answer = await fetch(await store.presignGet(uri, { expiresSeconds: 60 }))
        expect(await answer.text()).toBe('from a user')
      })

      it('is nothing for ever', async () => {
        for (const expiresSeconds of [0, 604_801, 1.5]) {
          await expect(store.presignGet(uri, { expiresSeconds })).rejects.toMatchObject({
            code: 'invalid_request',
          })
        }
      })
    })

    it('does not believe a hash that the server has not verified', async () => {
      const { bucket, prefix } = server.options()
      const uri = objectUri('default', sha256(bytes('claimed')), 'packs')
      const input = {
        Bucket: bucket,
        Key: prefix + uri,
        Body: 'no claim',
        Metadata: { sha256: sha256(bytes('claimed')) },
      }
      await server.client.send(new PutObjectCommand(input))
      expect(await store.checksum(uri)).toEqual({ bytes: 8, sha256: null })
    })

    it.each([
      ['in one request', randomBytes(40_000_000)],
      [
        'in parts',
        (async function* () {
          for (let at = 0; at < 40; at++) yield randomBytes(1_000_000)
        })(),
      ],
    ])(
      'killed in the middle of an upload %s shows nothing of it, and goes on when it is back',
      async (_how, content) => {
        const before = await keysOf(server)
        let from: number | undefined
        let killed: Promise<void> | undefined
        wire.onUp = sent => {
          from ??= sent
          if (sent - from < 20_000_000) return false
          killed ??= server.kill()
          return true
        }
        await expect(wired.write('default', content)).rejects.toMatchObject({
          code: 'unavailable',
          message: expect.stringContaining('MLFORGE_OBJECTS_S3_ENDPOINT'),
        })
        expect(killed).toBeDefined()
        await killed
        wire.onUp = () => false
        await server.run()
        expect(await keysOf(server)).toEqual(before)
        const ref = await wired.write('default', bytes('it is back'))
        expect((await buffer(await wired.open(ref.uri))).toString()).toBe('it is back')
        await wired.remove(ref.uri)
        await store.removeStale(Date.now() + 2 * DAY)
        expect(await uploadsOf(server)).toEqual([])
      },
    )

    it('takes up a read whose connection breaks', async () => {
      const content = randomBytes(20_000_000)
      const { uri } = await store.write('default', content)
      let cuts = 0
      let next: number | undefined
      wire.onDown = received => {
        next ??= received + 6_000_000
        if (received < next) return false
        next = received + 6_000_000
        cuts++
        return true
      }
      expect(sha256(await buffer(await wired.open(uri)))).toBe(sha256(content))
      expect(cuts).toBeGreaterThanOrEqual(3)
      wire.onDown = () => false
    })

    it('ends a read that the server does not go on with', async () => {
      const { uri } = await store.write('default', randomBytes(20_000_000))
      const stream = await wired.open(uri)
      wire.onDown = () => true
      await expect(buffer(stream)).rejects.toMatchObject({ code: 'unavailable' })
      wire.onDown = () => false
    })

    it('removes uploads that were not ended after a day, and those of others never', async () => {
      const { bucket, prefix } = server.options()
      const ours = prefix + objectUri('default', 'a'.repeat(64), 'packs')
      for (const Key of [ours, `${prefix}default/incoming/large.csv`]) {
        await server.client.send(new CreateMultipartUploadCommand({ Bucket: bucket, Key }))
      }
      expect(await store.removeStale(Date.now() + DAY - 60_000)).toBe(0)
      expect(await store.removeStale(Date.now() + DAY + 60_000)).toBe(1)
      expect(await uploadsOf(server)).toEqual([`${prefix}default/incoming/large.csv`])
    })

    it.each([
      ['no such bucket', { bucket: 'no-such-bucket' }, 'MLFORGE_OBJECTS_S3_BUCKET'],
      ['a wrong secret', { secretAccessKey: 'wrong' }, 'MLFORGE_OBJECTS_S3_ACCESS_KEY_ID'],
      ['an unknown key', { accessKeyId: 'nobody' }, 'MLFORGE_OBJECTS_S3_ACCESS_KEY_ID'],
      ['no server', { endpoint: 'http://127.0.0.1:9' }, 'MLFORGE_OBJECTS_S3_ENDPOINT'],
    ])('says what to do with %s', async (_what, changes, setting) => {
      const other = new S3ObjectStore(server.options(changes), server.scratch)
      const uri = objectUri('default', 'a'.repeat(64))
      const said = { code: 'unavailable', message: expect.stringContaining(setting) }
      for (const call of [
        () => other.assertUsable(),
        () => other.size(uri),
        () => other.open(uri),
        () => other.range(uri, 0, 1),
        () => other.list('default', 'packs', { limit: 1 }),
        () => other.write('default', bytes('x')),
      ]) {
        const error: unknown = await call().catch((refused: unknown) => refused)
        expect(error).toMatchObject(said)
        expect(String(error)).not.toContain(server.options().secretAccessKey)
      }
    })

    it('does not wait for a server that accepts and never answers', async () => {
      const silent = createServer(socket => void silentSockets.push(socket))
      const silentSockets: Socket[] = []
      await new Promise<void>(resolve => silent.listen(0, '127.0.0.1', resolve))
      const endpoint = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`
      const other = new S3ObjectStore(server.options({ endpoint }), server.scratch)
      await expect(other.assertUsable()).rejects.toMatchObject({
        code: 'unavailable',
        message: expect.stringContaining('no answer within'),
      })
      expect(silentSockets.length).toBeGreaterThan(0)
      silentSockets.forEach(socket => socket.destroy())
      await new Promise(resolve => silent.close(resolve))
    })

    it.each([2, 10, 19, 30])(
      'takes an upload back that is aborted after %d MB, with the reason',
      async mb => {
        const before = await keysOf(server)
        const abort = new AbortController()
        const reason = new Error('no longer wanted')
        let from: number | undefined
        wire.onUp = sent => {
          from ??= sent
          if (sent - from > mb * 1e6) abort.abort(reason)
          return false
        }
        async function* large(): AsyncGenerator<Uint8Array> {
          for (let at = 0; at < 40; at++) yield randomBytes(1_000_000)
        }
        await expect(wired.write('default', large(), { signal: abort.signal })).rejects.toBe(reason)
        wire.onUp = () => false
        expect(await keysOf(server)).toEqual(before)
        await eventually(async () =>
          expect((await uploadsOf(server)).filter(key => !key.endsWith('large.csv'))).toEqual([]),
        )
      },
    )
  })
})
