import { applyDecorators, Controller, Get, Inject, Param, Query, Res } from '@nestjs/common'
import { ApiOkResponse, ApiProduces, ApiTags } from '@nestjs/swagger'
import type { FastifyReply } from 'fastify'
import { Caller } from '../http/caller.js'
import { IdParam } from '../http/params.js'
import { Problems, Summary } from '../http/problems.js'
import type { Principal } from '../http/request.js'
import { Needs } from '../http/roles.js'
import { StepLogsService } from './step-logs.service.js'
import { StepOutputsService } from './step-outputs.service.js'
import { StepLogQueryDto, StepQueryDto } from './steps.dto.js'

const ApiOutput = () =>
  applyDecorators(
    ApiProduces('application/octet-stream'),
    ApiOkResponse({
      description: 'ETag of a table or a file is its SHA-256',
      content: {
        'application/octet-stream': { schema: { type: 'string', format: 'binary' } },
        'application/json': { schema: {} },
      },
    }),
  )

@ApiTags('pipelines')
@Needs('viewer')
@Controller('v1/pipeline-runs/:id/steps/:step')
export class StepsController {
  constructor(
    @Inject(StepLogsService) private readonly logs: StepLogsService,
    @Inject(StepOutputsService) private readonly outputs: StepOutputsService,
  ) {}

  @Summary(
    'What a step has printed',
    'Empty before it begins. A log that is followed also ends when the api is stopped: whether the step has ended says the run.',
  )
  @Get('log')
  @ApiProduces('text/plain')
  @ApiOkResponse({ schema: { type: 'string' }, description: 'lines, each with its time' })
  @Problems('invalid_request', 'not_found', 'object_missing', 'object_corrupt')
  readStepLog(
    @Caller() caller: Principal,
    @Param('id', IdParam) id: string,
    @Param('step') step: string,
    @Query() { generation, follow }: StepLogQueryDto,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const asked = { step, follow: follow === 'true', ...(generation === undefined ? {} : { generation }) }
    return this.logs.send(caller, id, asked, reply)
  }

  @Summary('An output of a step', 'A table as Parquet, a file as it is, everything else as JSON.')
  @Get('outputs/:output')
  @ApiOutput()
  @Problems('invalid_request', 'not_found', 'object_missing', 'object_corrupt')
  readStepOutput(
    @Caller() caller: Principal,
    @Param('id', IdParam) id: string,
    @Param('step') step: string,
    @Param('output') output: string,
    @Query() { generation }: StepQueryDto,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    return this.outputs.send(caller, id, { step, output, generation }, reply)
  }

  @Summary('A member of an output', 'Such as a file that a script has left: outputs/files/report.html.')
  @Get('outputs/:output/:member')
  @ApiOutput()
  @Problems('invalid_request', 'not_found', 'object_missing', 'object_corrupt')
  readStepOutputMember(
    @Caller() caller: Principal,
    @Param('id', IdParam) id: string,
    @Param('step') step: string,
    @Param('output') output: string,
    @Param('member') member: string,
    @Query() { generation }: StepQueryDto,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    return this.outputs.send(caller, id, { step, output, member, generation }, reply)
  }
}
