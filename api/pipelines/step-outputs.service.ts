import { basename } from 'node:path/posix'
import { json } from 'node:stream/consumers'
import { Inject, Injectable } from '@nestjs/common'
import type { FastifyReply } from 'fastify'
import type { StepOutcome } from '../../contracts/temporal/pipelines.js'
import type { Json } from '../../domain/canonical-json.js'
import { MlforgeError } from '../../domain/errors.js'
import type { ObjectStore } from '../../stores/objects/object-store.js'
import { LedgerStore } from '../../stores/postgres/ledger-store.js'
import { sendArtifact } from '../http/download.js'
import type { Principal } from '../http/request.js'
import { OBJECTS } from '../platform/tokens.js'
import { PipelineRunsService } from './pipeline-runs.service.js'
import { memberOf, storedValue } from './step-outputs.js'

/** Which output of which step; a member of it where it holds some, such as a file of a script. */
export interface OutputAddress {
  readonly step: string
  readonly generation?: number | undefined
  readonly output: string
  readonly member?: string
}

/** A reset gives a step other outputs under the same address. */
const HEADERS = { 'cache-control': 'private, no-cache' }

/** What steps have given: tables and files as downloads, everything else as JSON. */
@Injectable()
export class StepOutputsService {
  constructor(
    @Inject(OBJECTS) private readonly objects: ObjectStore,
    @Inject(LedgerStore) private readonly ledger: LedgerStore,
    @Inject(PipelineRunsService) private readonly runs: PipelineRunsService,
  ) {}

  /** @throws MlforgeError not_found with what there is */
  async send(caller: Principal, id: string, address: OutputAddress, reply: FastifyReply): Promise<void> {
    const { output, member } = address
    const { step, outputs } = await this.outputs(caller, id, address)
    const whole = memberOf(outputs, output, `The outcome of step "${step}"`)
    const value =
      member === undefined ? whole : memberOf(whole, member, `Output "${output}" of step "${step}"`)
    const stored = storedValue(value)
    if (!stored) {
      void reply
        .header('content-type', 'application/json; charset=utf-8')
        .headers(HEADERS)
        .send(JSON.stringify(value))
      return
    }
    const name = stored.kind === 'file' ? basename(stored.name) : `${member ?? output}.parquet`
    await sendArtifact(reply, this.objects, name, stored, HEADERS)
  }

  private async outputs(
    { project }: Principal,
    id: string,
    address: OutputAddress,
  ): Promise<{ readonly step: string; readonly outputs: Readonly<Record<string, Json>> }> {
    const { spec, generation } = await this.runs.step(project, id, address.step, address.generation)
    const { name: step } = spec
    const row = (await this.ledger.finished(id, [step])).find(each => each.generation === generation)
    if (!row) {
      throw new MlforgeError(
        'not_found',
        `Step "${step}" of run ${id} has no outputs: it has not ended well. How it stands is at /v1/pipeline-runs/${id}.`,
      )
    }
    const { outputs, outputsAt } = row.outcome as StepOutcome
    if (outputs) return { step, outputs }
    const stored = outputsAt ? await json(await this.objects.open(outputsAt.uri)) : {}
    return { step, outputs: stored as Record<string, Json> }
  }
}
