import { Body, Controller, HttpCode, Inject, Param, Post } from '@nestjs/common'
import { ApiOkResponse, ApiTags } from '@nestjs/swagger'
import type { Json } from '../../domain/canonical-json.js'
import { Caller } from '../http/caller.js'
import { ApiIdempotencyKey, type Idempotency, IdempotencyKey } from '../http/idempotency.js'
import { IdParam } from '../http/params.js'
import { Problems, Summary } from '../http/problems.js'
import type { Principal } from '../http/request.js'
import { Needs } from '../http/roles.js'
import { AnswerStepDto, ReleaseStepDto, StepAnsweredDto } from './pipeline-runs.dto.js'
import { PipelineVerbsService } from './pipeline-verbs.service.js'

@ApiTags('pipelines')
@Needs('operator')
@Controller('v1/pipeline-runs/:id/steps/:step')
export class StepAnswersController {
  constructor(@Inject(PipelineVerbsService) private readonly verbs: PipelineVerbsService) {}

  @Summary('Approves a step that waits for it', 'By a role that the step names.')
  @Post('approve')
  @HttpCode(200)
  @ApiIdempotencyKey()
  @ApiOkResponse({ type: StepAnsweredDto })
  @Problems('invalid_request', 'not_found', 'wrong_state', 'forbidden', 'unavailable')
  approveStep(
    @Caller() caller: Principal,
    @Param('id', IdParam) id: string,
    @Param('step') step: string,
    @Body() { reason }: AnswerStepDto,
    @IdempotencyKey() idempotency: Idempotency | undefined,
  ): Promise<StepAnsweredDto> {
    return this.verbs.answer(
      caller,
      id,
      step,
      { kind: 'approve', by: caller.name, reason: reason ?? null },
      idempotency,
    )
  }

  @Summary('Rejects a step that waits for approval', 'The step, and with it the run, is refused.')
  @Post('reject')
  @HttpCode(200)
  @ApiIdempotencyKey()
  @ApiOkResponse({ type: StepAnsweredDto })
  @Problems('invalid_request', 'not_found', 'wrong_state', 'forbidden', 'unavailable')
  rejectStep(
    @Caller() caller: Principal,
    @Param('id', IdParam) id: string,
    @Param('step') step: string,
    @Body() { reason }: AnswerStepDto,
    @IdempotencyKey() idempotency: Idempotency | undefined,
  ): Promise<StepAnsweredDto> {
    return this.verbs.answer(
      caller,
      id,
      step,
      { kind: 'reject', by: caller.name, reason: reason ?? null },
      idempotency,
    )
  }

  @Summary('Tells a step that waits for an event to go on')
  @Post('release')
  @HttpCode(200)
  @ApiIdempotencyKey()
  @ApiOkResponse({ type: StepAnsweredDto })
  @Problems('invalid_request', 'not_found', 'wrong_state', 'unavailable')
  releaseStep(
    @Caller() caller: Principal,
    @Param('id', IdParam) id: string,
    @Param('step') step: string,
    @Body() { payload = null }: ReleaseStepDto,
    @IdempotencyKey() idempotency: Idempotency | undefined,
  ): Promise<StepAnsweredDto> {
    const answer = { kind: 'release' as const, by: caller.name, payload: payload as Json }
    return this.verbs.answer(caller, id, step, answer, idempotency)
  }
}
