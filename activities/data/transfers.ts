import type {
  AwaitTransferInput,
  PullRequest,
  PushRequest,
  TransferState,
} from '../../contracts/temporal/data.js'
import type { CommitOutcome, RunInput } from '../../contracts/temporal/messages.js'
import { canonicalJson, type Json } from '../../domain/canonical-json.js'
import { MlforgeError } from '../../domain/errors.js'
import { effectKey } from '../../domain/names.js'
import { reads, writes } from '../../stores/lineage-scope.js'
import { objectUri } from '../../stores/objects/object-uri.js'
import { awaitChange } from '../await-change.js'
import { beatWhile, placeReached, type Reached } from '../heartbeats.js'
import type { Ports } from '../ports.js'
import { onceStep } from '../step.js'
import { type CheckedFiles, type CheckedTo, checkFiles } from './check-files.js'
import { keepingFiles } from './keep-files.js'

export type DataPorts = Pick<
  Ports,
  | 'runs'
  | 'ledger'
  | 'wakes'
  | 'datasets'
  | 'objects'
  | 'catalogue'
  | 'packs'
  | 'packing'
  | 'transfers'
  | 'holds'
  | 'limits'
>

interface ReceivedPack {
  readonly id: string
  readonly sha256: string
  readonly bytes: number
}

/** Packs that are verified by one activity, and at the same time: each is in memory. */
const BATCH = 64
const AT_ONCE = 3
/** Packs that are waited for before some are verified, and for how long at least. */
const TOGETHER = 4
const TOGETHER_MS = 5_000

/** What clients send and read: received, verified, and made a version. */
export function transferActivities(ports: DataPorts) {
  const { runs, datasets, catalogue, transfers, objects, packing } = ports
  const pushOf = async ({ project, runId }: RunInput) =>
    (await runs.get(project, runId)).request as PushRequest

  async function stateOf({ project, runId }: RunInput): Promise<TransferState> {
    const { sealedAt, expiresAt, packs, bytes, files } = await transfers.get(runId)
    const of = (await runs.get(project, runId)).request as PushRequest | PullRequest
    return {
      sealed: sealedAt !== null,
      expired: sealedAt === null && expiresAt.getTime() < Date.now(),
      packs,
      bytes: Number(bytes),
      files,
      total: { files: of.files, bytes: of.bytes },
      unverified: await catalogue.countUnverified(runId),
    }
  }

  async function verify(project: string, pack: ReceivedPack, signal: AbortSignal): Promise<void> {
    const uri = objectUri(project, pack.sha256, 'packs')
    try {
      // Each of its chunks is verified, and nothing in it is beside them.
      const { bytes } = pack
      const read = (into: Uint8Array) => objects.range(uri, 0, bytes, { signal, into })
      await packing.verify({ bytes, read }, { signal })
    } catch (error) {
      if (!(error instanceof MlforgeError) || error.code !== 'object_corrupt') throw error
      await catalogue.forget(pack.id)
      throw new MlforgeError(
        'version_invalid',
        `Pack ${pack.sha256} is not what its index says: ${error.message} Nothing of it was kept; push again.`,
      )
    }
    await catalogue.markVerified([pack.id])
  }

  return {
    /**
     * Ends when a client has sent some packs, or one a while ago, or has nothing more to send, or its time is over.
     * Each pack as it comes would cost more for the workflow than for its bytes.
     */
    async awaitTransfer({ seen, ...input }: AwaitTransferInput): Promise<void> {
      const before = textOf(seen)
      let since: number | null = null
      const see = async () => {
        const state = await stateOf(input)
        const after = textOf(state)
        if (after === before || state.sealed || state.expired || state.unverified >= TOGETHER) return after
        since ??= Date.now()
        return Date.now() - since < TOGETHER_MS ? before : after
      }
      await awaitChange(see, before, input.limits, wake => ports.wakes.subscribe(input.runId, wake))
    },

    /**
     * How far a transfer is. Packs that have come are read before, and count from now on if their every chunk is
     * what the index says.
     * @throws MlforgeError version_invalid
     */
    async receive(input: RunInput): Promise<TransferState> {
      return beatWhile('verifying', async signal => {
        const packs = await catalogue.unverified(input.runId, BATCH)
        for (let from = 0; from < packs.length; from += AT_ONCE) {
          await Promise.all(
            packs.slice(from, from + AT_ONCE).map(pack => verify(input.project, pack, signal)),
          )
        }
        return stateOf(input)
      })
    },

    /** Whether the files of a push are all there and can be a version. */
    async checkPush(input: RunInput): Promise<CheckedFiles> {
      return onceStep(ports, input, 'check', () =>
        beatWhile<CheckedFiles, CheckedTo>('checking files', async (signal, reached) => {
          const push = await pushOf(input)
          // It is a version already, of which more may be lost than was found.
          if (push.restore) return { files: push.files, packs: 0 }
          return checkFiles(ports, input, push, { signal, from: placeReached(), reached })
        }),
      )
    },

    /** Makes the files of a push the next version of its branch. */
    async commitPush(input: RunInput): Promise<CommitOutcome> {
      return keepingFiles(ports, input, async keep => {
        const { principal, request } = await runs.get(input.project, input.runId)
        const { branch, base, manifest, files, bytes, message, author, code, restore } =
          request as PushRequest
        if (restore) {
          const { version, root } = await datasets.version(input.project, input.name, base!)
          return async transaction => {
            await transfers.release(input.runId, transaction)
            return { version, root, created: false }
          }
        }
        return async transaction => {
          const { version, created } = await datasets.commit(transaction, input.project, input.name, {
            root: manifest,
            files: { manifest, files, bytes },
            table: null,
            branch,
            base,
            message,
            author,
            code,
            principal,
            runId: input.runId,
            effectKey: effectKey(input, 'commit'),
          })
          await keep(transaction)
          writes({ kind: 'dataset', name: input.name, version: version.version })
          await transfers.release(input.runId, transaction)
          return { version: version.version, root: version.root, created }
        }
      })
    },

    /** Whether all that a pull asks for is there. */
    async preparePull(input: RunInput): Promise<{ version: number; files: number }> {
      return onceStep(ports, input, 'prepare', () =>
        beatWhile('checking files', async (signal, reached: Reached<CheckedTo>) => {
          const request = (await runs.get(input.project, input.runId)).request as PullRequest
          const attempt = { signal, from: placeReached<CheckedTo>(), reached }
          const { files } = await checkFiles(
            ports,
            input,
            { ...request, base: null, isVersion: true },
            attempt,
          )
          reads({ kind: 'dataset', name: input.name, version: request.version })
          return { version: request.version, files }
        }),
      )
    },

    /** What is read is kept for its reader no longer. */
    async releaseTransfer(input: RunInput): Promise<void> {
      await transfers.release(input.runId)
    },
  }
}

export type TransferActivities = ReturnType<typeof transferActivities>

const textOf = (state: TransferState) => canonicalJson(state as unknown as Json)
