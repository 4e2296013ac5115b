import { Body, Controller, HttpCode, Inject, Param, Post } from '@nestjs/common'
import { ApiOkResponse, ApiTags } from '@nestjs/swagger'
import { Caller } from '../http/caller.js'
import { ApiIdempotencyKey, type Idempotency, IdempotencyKey } from '../http/idempotency.js'
import { IdParam } from '../http/params.js'
import { Problems, Summary } from '../http/problems.js'
import type { Principal } from '../http/request.js'
import { Needs } from '../http/roles.js'
import { PromoteRolloutDto, VerbAcceptedDto } from './rollouts.dto.js'
import { VerbsService } from './verbs.service.js'

const PROBLEMS = ['not_found', 'wrong_state', 'rollout_closed', 'unavailable'] as const

@ApiTags('rollouts')
@Needs('operator')
@Controller('v1/rollouts/:id')
export class VerbsController {
  constructor(@Inject(VerbsService) private readonly service: VerbsService) {}

  @Summary('Ends the present analysis or pause; `full`: all steps that are left')
  @Post('promote')
  @HttpCode(200)
  @ApiIdempotencyKey()
  @ApiOkResponse({ type: VerbAcceptedDto })
  @Problems('invalid_request', 'idempotency_key_reused', ...PROBLEMS)
  promoteRollout(
    @Caller() caller: Principal,
    @Param('id', IdParam) id: string,
    @Body() { full = false }: PromoteRolloutDto,
    @IdempotencyKey() idempotency: Idempotency | undefined,
  ): Promise<VerbAcceptedDto> {
    return this.service.send(caller, id, { kind: 'promote', full }, idempotency)
  }

  @Summary('Keeps a rollout from going forward; harm still rolls back')
  @Post('pause')
  @HttpCode(200)
  @ApiIdempotencyKey()
  @ApiOkResponse({ type: VerbAcceptedDto })
  @Problems(...PROBLEMS)
  pauseRollout(
    @Caller() caller: Principal,
    @Param('id', IdParam) id: string,
    @IdempotencyKey() idempotency: Idempotency | undefined,
  ): Promise<VerbAcceptedDto> {
    return this.service.send(caller, id, { kind: 'pause' }, idempotency)
  }

  @Summary('Lets a paused or held rollout go on')
  @Post('resume')
  @HttpCode(200)
  @ApiIdempotencyKey()
  @ApiOkResponse({ type: VerbAcceptedDto })
  @Problems(...PROBLEMS)
  resumeRollout(
    @Caller() caller: Principal,
    @Param('id', IdParam) id: string,
    @IdempotencyKey() idempotency: Idempotency | undefined,
  ): Promise<VerbAcceptedDto> {
    return this.service.send(caller, id, { kind: 'resume' }, idempotency)
  }

  @Summary('Ends a rollout: all traffic back to the stable version')
  @Post('abort')
  @HttpCode(200)
  @ApiIdempotencyKey()
  @ApiOkResponse({ type: VerbAcceptedDto })
  @Problems(...PROBLEMS)
  abortRollout(
    @Caller() caller: Principal,
    @Param('id', IdParam) id: string,
    @IdempotencyKey() idempotency: Idempotency | undefined,
  ): Promise<VerbAcceptedDto> {
    return this.service.send(caller, id, { kind: 'abort' }, idempotency)
  }

  @Summary(
    'Back to the version before, at once',
    'Of a rollout that has been promoted: by a new, instant one, whose id is answered.',
  )
  @Post('rollback')
  @HttpCode(200)
  @ApiIdempotencyKey()
  @ApiOkResponse({ type: VerbAcceptedDto })
  @Problems(...PROBLEMS, 'rollout_in_progress')
  rollbackRollout(
    @Caller() caller: Principal,
    @Param('id', IdParam) id: string,
    @IdempotencyKey() idempotency: Idempotency | undefined,
  ): Promise<VerbAcceptedDto> {
    return this.service.send(caller, id, { kind: 'rollback' }, idempotency)
  }

  @Summary('Approves a rollout that waits for it')
  @Post('approve')
  @HttpCode(200)
  @ApiIdempotencyKey()
  @ApiOkResponse({ type: VerbAcceptedDto })
  @Problems(...PROBLEMS, 'forbidden')
  approveRollout(
    @Caller() caller: Principal,
    @Param('id', IdParam) id: string,
    @IdempotencyKey() idempotency: Idempotency | undefined,
  ): Promise<VerbAcceptedDto> {
    return this.service.send(caller, id, { kind: 'approve' }, idempotency)
  }
}
