import { setTimeout as wait } from 'node:timers/promises'
import type { PackUpload, ReceivedPack } from '../../contracts/rest/data.js'
import { MlforgeError } from '../../domain/errors.js'
import { ask, slowMs, textOf, whyUnreached } from '../http.js'
import { Refused, type Rest } from '../rest.js'

/** How often a pack is sent straight to the object store before it goes by way of the API. */
const TRIES = 4
const BACKOFF_MS = 500
/** Beside the time that its bytes take on a slow line. */
const PUT_MS = 30_000
/** How long packs go by way of the API when the object store could not be reached from here. */
const DETOUR_MS = 5 * 60_000

interface SentPack {
  readonly sha256: string
  /** Sent from where it lies: it stays as it is until the pack was taken. */
  readonly content: Uint8Array
}

/** Brings packs to the server: straight to its object store where that takes requests, else by way of the API. */
export class PackUploads {
  private detourUntil = 0

  constructor(private readonly rest: Rest) {}

  /**
   * @param path where the packs of the push are
   * @throws MlforgeError unavailable where the object store is reached neither from here nor by the API; Refused
   */
  async send(path: string, pack: SentPack, signal?: AbortSignal): Promise<void> {
    let unreached: string | null = null
    for (let tries = 1; Date.now() >= this.detourUntil; tries++) {
      const offer = { sha256: pack.sha256, bytes: pack.content.length }
      // Each time anew: an address is good for a while only.
      const { upload } = await this.rest.post<PackUpload>(path, offer, { signal })
      if (upload === null) {
        this.detourUntil = Infinity
        break
      }
      unreached = await putToStore(upload, pack.content, signal)
      if (unreached === null) {
        await this.rest.post(`${path}/${pack.sha256}`, undefined, { signal })
        return
      }
      if (tries >= TRIES) this.detourUntil = Date.now() + DETOUR_MS
      // Not all at once: other clients have lost it at the same moment.
      else await wait(BACKOFF_MS * 2 ** (tries - 1) * (0.5 + Math.random()), undefined, { signal })
    }
    try {
      await this.rest.putBytes<ReceivedPack>(`${path}/${pack.sha256}`, pack.content, { signal })
    } catch (error) {
      throw unreached === null ? error : neitherWay(error, unreached)
    }
  }
}

/** What went wrong, null where nothing did. Sent again, a pack is the same object. */
async function putToStore(
  { url, headers }: NonNullable<PackUpload['upload']>,
  content: Uint8Array,
  signal: AbortSignal | undefined,
): Promise<string | null> {
  const { origin } = new URL(url)
  const deadline = AbortSignal.timeout(PUT_MS + slowMs(content.length))
  const either = signal ? AbortSignal.any([signal, deadline]) : deadline
  try {
    const answer = await ask(url, { method: 'PUT', headers, body: content, signal: either })
    const text = await textOf(answer)
    return answer.status < 300 ? null : `${origin} answered ${answer.status}: ${text.slice(0, 500)}`
  } catch (error) {
    signal?.throwIfAborted()
    return `${origin}: ${whyUnreached(error)}`
  }
}

function neitherWay(error: unknown, unreached: string): unknown {
  const said = error instanceof Refused ? error.problem : error instanceof MlforgeError ? error : null
  if (said?.code !== 'unavailable') return error
  return new MlforgeError(
    'unavailable',
    `A pack cannot be sent: the object store is not reached from here (${unreached}), nor by the API (${said instanceof MlforgeError ? said.message : said.detail}). What was sent stays for a day; push again when the store can be reached.`,
  )
}
