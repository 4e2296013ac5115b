import { open } from 'node:fs/promises'
import { addAbortSignal, type Readable } from 'node:stream'
import { setTimeout as wait } from 'node:timers/promises'
import type { S3Client } from '@aws-sdk/client-s3'
import { type DvcRemote, withoutCredentials } from '../../../domain/data/dvc/config.js'
import { MlforgeError } from '../../../domain/errors.js'
import { said } from '../../../sdk/data/said.js'
import type { DvcRemoteReader, DvcTarget } from '../../../sdk/data/dvc/objects.js'
import { slowMs } from '../../../sdk/http.js'

/** Times an object is read that breaks off in the middle; the SDK asks again by itself where there is no answer. */
const TRIES = 3
const CALL_MS = 30_000
const CONNECT_MS = 5_000

/** A remote of DVC in a bucket, by what its configuration says, or as AWS finds it. Null for any other one. */
export async function openS3Remote(remote: DvcRemote): Promise<DvcRemoteReader | null> {
  const [, bucket, prefix = ''] = /^s3:\/\/([^/]+)\/*(.*?)\/*$/.exec(remote.url) ?? []
  if (bucket === undefined) return null
  const client = await clientOf(remote)
  return {
    async fetch(path, target, signal) {
      const key = prefix === '' ? path : `${prefix}/${path}`
      for (let tries = 1; ; tries++) {
        try {
          return await fetchTo(client, { Bucket: bucket, Key: key }, target, signal)
        } catch (error) {
          signal?.throwIfAborted()
          if (error instanceof MlforgeError) throw error
          if (tries === TRIES) throw unread(remote, error)
          await wait(500 * tries, undefined, { signal })
        }
      }
    },
  }
}

async function clientOf({ settings }: DvcRemote): Promise<S3Client> {
  const { S3Client: Client } = await import('@aws-sdk/client-s3')
  const [endpoint, region, profile] = ['endpointurl', 'region', 'profile'].map(name => settings.get(name))
  const [accessKeyId, secretAccessKey, sessionToken] = [
    'access_key_id',
    'secret_access_key',
    'session_token',
  ].map(name => settings.get(name))
  return new Client({
    requestHandler: { connectionTimeout: CONNECT_MS },
    followRegionRedirects: true,
    // What is read is compared with its MD5.
    responseChecksumValidation: 'WHEN_REQUIRED',
    // Servers other than AWS have the bucket in the path, and any region.
    ...(endpoint && { endpoint, forcePathStyle: true, region: 'us-east-1' }),
    ...(region && { region }),
    ...(profile && { profile }),
    ...(accessKeyId &&
      secretAccessKey && {
        credentials: { accessKeyId, secretAccessKey, ...(sessionToken && { sessionToken }) },
      }),
  })
}

async function fetchTo(
  client: S3Client,
  at: { readonly Bucket: string; readonly Key: string },
  { file, mode }: DvcTarget,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const { GetObjectCommand } = await import('@aws-sdk/client-s3')
  const stop = new AbortController()
  let timer = setTimeout(() => stop.abort(), CALL_MS)
  const abortSignal = signal ? AbortSignal.any([signal, stop.signal]) : stop.signal
  try {
    const { Body, ContentLength = 0 } = await client.send(new GetObjectCommand(at), { abortSignal })
    clearTimeout(timer)
    timer = setTimeout(() => stop.abort(), CALL_MS + slowMs(ContentLength))
    const refused = (error: unknown): never => {
      throw said(error, file)
    }
    const to = await open(file, 'w', mode).catch(refused)
    try {
      const parts = addAbortSignal(abortSignal, Body as Readable)
      for await (const part of parts) await to.writeFile(part as Uint8Array).catch(refused)
    } finally {
      await to.close()
    }
    return true
  } catch (error) {
    if ((error as Error).name === 'NoSuchKey') return false
    throw stop.signal.aborted ? new Error('no answer in time') : error
  } finally {
    clearTimeout(timer)
  }
}

function unread({ url, settings }: DvcRemote, error: unknown): MlforgeError {
  const endpoint = settings.get('endpointurl')
  const { name, message } = error as Error
  return new MlforgeError(
    'unavailable',
    `${withoutCredentials(`The remote ${url}${endpoint ? ` at ${endpoint}` : ''} cannot be read: ${name} (${message}).`)} See whether it can be reached from here, and what .dvc/config and .dvc/config.local say of its keys; or run dvc fetch. Nothing was imported; try again.`,
  )
}
