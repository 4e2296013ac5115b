import { Inject, Injectable } from '@nestjs/common'
import { WorkflowNotFoundError } from '@temporalio/client'
import type { PipelineVerbAccepted } from '../../contracts/rest/pipeline-runs.js'
import { pipelineVerb, type PipelineVerb } from '../../contracts/temporal/pipelines.js'
import { MlforgeError } from '../../domain/errors.js'
import { isOpen } from '../../domain/runs/run-status.js'
import type { Run } from '../../stores/postgres/entities/run.js'
import type { Principal } from '../http/request.js'
import { refusalOf } from '../temporal/refusal.js'
import { Temporal } from '../temporal/temporal.js'
import { PipelineRunsService } from './pipeline-runs.service.js'

const DEADLINE_MS = 10_000

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
    const run = await this.runs.find(project, runId)
    assertOpen(run, verb)
    try {
      const { paused } = await this.temporal.within(DEADLINE_MS, client =>
        client.workflow
          .getHandle(run.workflowId)
          .executeUpdate(pipelineVerb, { args: [{ runId, verb, by, reason }] }),
      )
      return { runId, paused }
    } catch (error) {
      if (!(error instanceof WorkflowNotFoundError)) throw refusalOf(error) ?? error
      assertOpen(await this.runs.find(project, runId), verb)
      throw new MlforgeError(
        'unavailable',
        `Run ${runId} has not begun yet. Send the verb again in a moment.`,
      )
    }
  }
}

function assertOpen({ id, status }: Run, verb: string): void {
  if (isOpen(status)) return
  throw new MlforgeError('wrong_state', `Run ${id} is ${status}: there is nothing to ${verb}.`)
}
