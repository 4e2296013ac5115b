import { randomUUID } from 'node:crypto'
import { Inject, Injectable } from '@nestjs/common'
import type { WorkflowHandle } from '@temporalio/client'
import type { PipelineRun, PipelineVerbAccepted, StepAnswered } from '../../contracts/rest/pipeline-runs.js'
import {
  answerStep,
  pipelineVerb,
  type PipelineVerb,
  type StepAnswerVerb,
} from '../../contracts/temporal/pipelines.js'
import { isOpen } from '../../domain/runs/run-status.js'
import type { Idempotency } from '../http/idempotency.js'
import type { Principal } from '../http/request.js'
import { updateRun } from '../temporal/run-update.js'
import { Temporal } from '../temporal/temporal.js'
import { PipelineRunsService } from './pipeline-runs.service.js'

/** Verbs for a run that works: taken by its workflow now, or refused with the reason. Either twice is once. */
@Injectable()
export class PipelineVerbsService {
  constructor(
    @Inject(PipelineRunsService) private readonly runs: PipelineRunsService,
    @Inject(Temporal) private readonly temporal: Temporal,
  ) {}

  /** @throws MlforgeError wrong_state, unavailable */
  async send(
    { project, name: by }: Principal,
    runId: string,
    verb: PipelineVerb['verb'],
    reason: string | null,
  ): Promise<PipelineVerbAccepted> {
    const { paused } = await this.update(project, runId, verb, handle =>
      handle.executeUpdate(pipelineVerb, { args: [{ runId, verb, by, reason }] }),
    )
    return { runId, paused }
  }

  /**
   * Undoes the steps of a run: of one that works now, after what works has been stopped; of one that has ended
   * in an attempt of its own.
   * @throws MlforgeError not_found, wrong_state, unavailable
   */
  async rollBack(caller: Principal, runId: string, reason: string | null): Promise<PipelineRun> {
    await this.runs.assertUndoable(caller.project, runId)
    const isWorking = async () => isOpen((await this.runs.find(caller.project, runId)).status)
    if (!(await isWorking())) return this.runs.rollBack(caller, runId, reason)
    try {
      await this.send(caller, runId, 'roll_back', reason)
      return await this.runs.get(caller, runId)
    } catch (error) {
      if (await isWorking()) throw error
      return this.runs.rollBack(caller, runId, reason)
    }
  }

  /** @throws MlforgeError not_found, wrong_state, forbidden, unavailable */
  async answer(
    { project, name: by, role }: Principal,
    runId: string,
    step: string,
    answer: StepAnswerVerb['answer'],
    idempotency?: Idempotency,
  ): Promise<StepAnswered> {
    await this.runs.step(project, runId, step)
    const updateId = idempotency ? `${by} ${step} ${answer.kind} ${idempotency.key}` : randomUUID()
    await this.update(project, runId, answer.kind, handle =>
      handle.executeUpdate(answerStep, { args: [{ runId, step, role, answer }], updateId }),
    )
    return { runId, step, answer: answer.kind, by }
  }

  private async update<T>(
    project: string,
    runId: string,
    verb: string,
    send: (handle: WorkflowHandle) => Promise<T>,
  ): Promise<T> {
    return updateRun(this.temporal, () => this.runs.find(project, runId), verb, send)
  }
}
