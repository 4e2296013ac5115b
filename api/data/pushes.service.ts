import type { IncomingMessage } from 'node:http'
import { Inject, Injectable } from '@nestjs/common'
import type { Config } from '../../config/config.js'
import type {
  DataPush,
  MissingChunks,
  OfferPack,
  PackUpload,
  PushProgress,
  ReceivedPack,
  StartPush,
} from '../../contracts/rest/data.js'
import type { CommitOutcome } from '../../contracts/temporal/messages.js'
import type { PushRequest } from '../../contracts/temporal/data.js'
import { MAX_PACK_BYTES } from '../../domain/data/pack.js'
import { MAIN, refNameProblem } from '../../domain/data/selector.js'
import { MlforgeError } from '../../domain/errors.js'
import { isOpen } from '../../domain/runs/run-status.js'
import type { ObjectStore } from '../../stores/objects/object-store.js'
import { objectUri } from '../../stores/objects/object-uri.js'
import { readStoredIndex } from '../../stores/packs/pack-index.js'
import { DatasetStore } from '../../stores/postgres/dataset-store.js'
import type { Run } from '../../stores/postgres/entities/run.js'
import { LedgerStore } from '../../stores/postgres/ledger-store.js'
import { PackCatalogue } from '../../stores/postgres/pack-catalogue.js'
import { assertReadable } from '../../stores/postgres/readable.js'
import { RunStore } from '../../stores/postgres/run-store.js'
import { TransferStore } from '../../stores/postgres/transfer-store.js'
import { RunWakes } from '../../stores/redis/wake.js'
import type { Idempotency } from '../http/idempotency.js'
import { linger } from '../http/linger.js'
import { assertName } from '../http/params.js'
import type { Principal } from '../http/request.js'
import { invalidRequest } from '../http/validation.js'
import { CONFIG, OBJECTS } from '../platform/tokens.js'
import { operationView, resultVersion } from '../runs/run-view.js'
import { runOfDataset } from '../runs/run-of-dataset.js'
import { RunsService } from '../runs/runs.service.js'

/** For a pack on a slow line. */
const UPLOAD_SECONDS = 3_600

/** What clients send of new versions, before and until they are some. */
@Injectable()
export class PushesService {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    @Inject(OBJECTS) private readonly objects: ObjectStore,
    @Inject(DatasetStore) private readonly datasets: DatasetStore,
    @Inject(PackCatalogue) private readonly catalogue: PackCatalogue,
    @Inject(TransferStore) private readonly transfers: TransferStore,
    @Inject(LedgerStore) private readonly ledger: LedgerStore,
    @Inject(RunStore) private readonly rows: RunStore,
    @Inject(RunsService) private readonly runs: RunsService,
    @Inject(RunWakes) private readonly wakes: RunWakes,
  ) {}

  async start(
    caller: Principal,
    name: string,
    body: StartPush,
    idempotency: Idempotency | undefined,
  ): Promise<DataPush> {
    assertName('dataset', name)
    const { base, manifest, files, bytes, message = null, author, code = null, restore = false } = body
    const branch = restore ? await this.branchOf(caller, name, body) : (body.branch ?? MAIN)
    const problem = refNameProblem(branch)
    if (problem !== null) throw invalidRequest([{ at: 'branch', message: problem }])
    // Said again, it is what it was, wherever its branch is by now.
    const known = idempotency && (await this.rows.replayed(caller.project, caller.name, idempotency))
    if (known) return this.view(known)
    if (!restore) await this.datasets.assertBase(caller.project, name, { branch, base, root: manifest })
    const request: PushRequest = {
      branch,
      base,
      manifest,
      files,
      bytes,
      message,
      author: author ?? caller.name,
      code,
      ...(restore && { restore }),
    }
    const run = await this.runs.accept(caller, {
      kind: 'push',
      name,
      request,
      alongside: (transaction, accepted) => this.transfers.open(transaction, accepted),
      ...(idempotency ? { idempotency } : {}),
    })
    return this.view(run)
  }

  async get(caller: Principal, name: string, id: string): Promise<DataPush> {
    return this.view(await runOfDataset(this.rows, caller, 'push', name, id))
  }

  async missing(
    caller: Principal,
    name: string,
    id: string,
    chunks: readonly string[],
  ): Promise<MissingChunks> {
    await this.open(caller, name, id)
    await this.transfers.renew(id)
    return { missing: await this.catalogue.missing(caller.project, chunks, id) }
  }

  /** Takes a pack as it comes. Its chunks count for this push at once, for others when they were verified. */
  async receive(
    caller: Principal,
    name: string,
    id: string,
    sha256: string,
    body: IncomingMessage,
  ): Promise<ReceivedPack> {
    try {
      await this.open(caller, name, id)
      await this.transfers.renew(id)
      const { uri, bytes } = await this.objects.write(caller.project, whole(body), {
        kind: 'packs',
        sha256,
        maxBytes: MAX_PACK_BYTES,
      })
      return await this.take(caller, id, { uri, sha256, bytes })
    } catch (error) {
      linger(body)
      throw error
    }
  }

  /** Where a pack goes: straight to the object store, where that can be. */
  async offer(
    caller: Principal,
    name: string,
    id: string,
    { sha256, bytes }: OfferPack,
  ): Promise<PackUpload> {
    await this.open(caller, name, id)
    await this.transfers.renew(id)
    const uri = objectUri(caller.project, sha256, 'packs')
    const request = await this.objects.presignPut(uri, { bytes, expiresSeconds: UPLOAD_SECONDS })
    return { upload: request && { url: request.url, headers: { ...request.headers } } }
  }

  /** Takes a pack on that was put into the object store. */
  async register(caller: Principal, name: string, id: string, sha256: string): Promise<ReceivedPack> {
    await this.open(caller, name, id)
    await this.transfers.renew(id)
    const uri = objectUri(caller.project, sha256, 'packs')
    const found = await this.objects.checksum(uri)
    if (found === null) throw new MlforgeError('wrong_state', `Pack ${sha256} is not there. Send it first.`)
    if (found.sha256 !== sha256) {
      throw new MlforgeError(
        'version_invalid',
        `Pack ${sha256} came with ${found.sha256 === null ? 'no checksum' : 'another checksum'}. Send it with the headers that were given.`,
      )
    }
    return this.take(caller, id, { uri, sha256, bytes: found.bytes })
  }

  async progress(caller: Principal, name: string, id: string, { files }: PushProgress): Promise<DataPush> {
    const run = await this.open(caller, name, id)
    const { files: total } = run.request as PushRequest
    if (files > total) {
      throw invalidRequest([{ at: 'files', message: `There are ${total} files in this push.` }])
    }
    await this.transfers.progress(id, { files })
    return this.view(run)
  }

  /** Nothing more comes. */
  async seal(caller: Principal, name: string, id: string): Promise<DataPush> {
    const run = await runOfDataset(this.rows, caller, 'push', name, id)
    await this.transfers.seal(id, (run.request as PushRequest).files)
    this.wakes.publish(id)
    return this.view(run)
  }

  /** Of the version that a push restores. @throws MlforgeError not_found, version_retired, invalid_request */
  private async branchOf(
    { project }: Principal,
    name: string,
    { base, manifest }: StartPush,
  ): Promise<string> {
    const version = base === null ? null : await this.datasets.version(project, name, base)
    if (version !== null) assertReadable(name, version)
    if (version?.manifest === manifest) return version.branch
    throw invalidRequest([
      { at: 'manifest', message: 'Must be that of the version that is restored, which base names.' },
    ])
  }

  private async take(
    { project }: Principal,
    id: string,
    { uri, sha256, bytes }: { uri: string; sha256: string; bytes: number },
  ): Promise<ReceivedPack> {
    try {
      const chunks = await readStoredIndex(this.objects, uri, bytes)
      await this.transfers.receive(id, project, { sha256, bytes, chunks }, this.objects)
      this.wakes.publish(id)
      return { sha256, bytes, chunks: chunks.length }
    } catch (error) {
      if (!(error instanceof MlforgeError) || error.code !== 'object_corrupt') throw error
      throw new MlforgeError('version_invalid', `${error.message} It was not taken; make it again.`)
    }
  }

  private async open(caller: Principal, name: string, id: string): Promise<Run> {
    const run = await runOfDataset(this.rows, caller, 'push', name, id)
    if (isOpen(run.status)) return run
    throw new MlforgeError('wrong_state', `Push ${id} is ${run.status}. Begin another.`)
  }

  private async view(run: Run): Promise<DataPush> {
    const { branch, base, manifest, files, bytes } = run.request as PushRequest
    const transfer = await this.transfers.get(run.id)
    const steps = run.result === null ? [] : await this.ledger.steps(run.id)
    const commit = steps.findLast(each => each.step === 'commit')?.outcome as CommitOutcome | undefined
    return {
      ...operationView(run, this.config.temporal),
      dataset: run.name,
      branch,
      base,
      manifest,
      files,
      bytes,
      received: { packs: transfer.packs, bytes: Number(transfer.bytes), files: transfer.files },
      sealed: transfer.sealedAt !== null,
      expiresAt: transfer.expiresAt.toISOString(),
      version: resultVersion(run),
      created: commit?.created ?? null,
    }
  }
}

/** The bytes of a request; ends only when all of them came. */
async function* whole(body: IncomingMessage): AsyncGenerator<Uint8Array> {
  const interrupted = () =>
    new MlforgeError(
      'upload_interrupted',
      'The pack ended before it was whole; nothing was kept. Send it again.',
    )
  try {
    // The connection is left open when the pack is refused: the answer has to go through it.
    for await (const chunk of body.iterator({ destroyOnReturn: false })) yield chunk as Uint8Array
  } catch {
    throw interrupted()
  }
  if (!body.complete) throw interrupted()
}
