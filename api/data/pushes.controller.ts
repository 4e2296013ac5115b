import type { IncomingMessage } from 'node:http'
import { Body, Controller, Get, HttpCode, Inject, Param, Post, Put, Res } from '@nestjs/common'
import { ApiAcceptedResponse, ApiBody, ApiConsumes, ApiOkResponse, ApiTags } from '@nestjs/swagger'
import type { FastifyReply } from 'fastify'
import { BodyLimit } from '../http/body-limit.js'
import { Caller } from '../http/caller.js'
import { FileBody } from '../http/file-body.js'
import { ApiIdempotencyKey, type Idempotency, IdempotencyKey } from '../http/idempotency.js'
import { HashParam, IdParam } from '../http/params.js'
import { Problems, Summary } from '../http/problems.js'
import type { Principal } from '../http/request.js'
import { Needs } from '../http/roles.js'
import { located } from '../runs/located.js'
import {
  AskChunksDto,
  DataPushDto,
  MAX_CHUNKS_BYTES,
  MissingChunksDto,
  OfferPackDto,
  PackUploadDto,
  PushProgressDto,
  ReceivedPackDto,
  StartPushDto,
} from './data.dto.js'
import { PushesService } from './pushes.service.js'

@ApiTags('data')
@Needs('operator')
@Controller('v1/datasets/:name/pushes')
export class PushesController {
  constructor(@Inject(PushesService) private readonly service: PushesService) {}

  @Summary(
    'Begins to send a version',
    'Ask which chunks are missing, send them in packs, then seal it: it is checked and becomes the next version of its branch. What was sent stays for a day after the last request.',
  )
  @Post()
  @HttpCode(202)
  @ApiIdempotencyKey()
  @ApiAcceptedResponse({ type: DataPushDto })
  @Problems('invalid_request', 'not_found', 'idempotency_key_reused', 'branch_moved', 'version_retired')
  async startPush(
    @Caller() caller: Principal,
    @Param('name') name: string,
    @Body() body: StartPushDto,
    @IdempotencyKey() idempotency: Idempotency | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<DataPushDto> {
    return located(reply, await this.service.start(caller, name, body, idempotency))
  }

  @Summary('A push under way or ended')
  @Needs('viewer')
  @Get(':id')
  @ApiOkResponse({ type: DataPushDto })
  @Problems('not_found')
  getPush(
    @Caller() caller: Principal,
    @Param('name') name: string,
    @Param('id', IdParam) id: string,
  ): Promise<DataPushDto> {
    return this.service.get(caller, name, id)
  }

  @Summary('Which of some chunks have to be sent', 'Nodes of the manifest are chunks too.')
  @Post(':id/missing')
  @HttpCode(200)
  @BodyLimit(MAX_CHUNKS_BYTES)
  @ApiOkResponse({ type: MissingChunksDto })
  @Problems('invalid_request', 'not_found', 'wrong_state', 'transfer_expired')
  askMissingChunks(
    @Caller() caller: Principal,
    @Param('name') name: string,
    @Param('id', IdParam) id: string,
    @Body() { chunks }: AskChunksDto,
  ): Promise<MissingChunksDto> {
    return this.service.missing(caller, name, id, chunks)
  }

  @Summary('Asks where a pack goes', 'Straight to the object store where that is a bucket, else to this API.')
  @Post(':id/packs')
  @HttpCode(200)
  @ApiOkResponse({ type: PackUploadDto })
  @Problems('invalid_request', 'not_found', 'wrong_state', 'transfer_expired')
  offerPack(
    @Caller() caller: Principal,
    @Param('name') name: string,
    @Param('id', IdParam) id: string,
    @Body() body: OfferPackDto,
  ): Promise<PackUploadDto> {
    return this.service.offer(caller, name, id, body)
  }

  @Summary(
    'Says that a pack is in the object store',
    'Its size and checksum are those that the store has seen.',
  )
  @Post(':id/packs/:sha256')
  @HttpCode(200)
  @ApiOkResponse({ type: ReceivedPackDto })
  @Problems('not_found', 'wrong_state', 'transfer_expired', 'version_invalid', 'unsupported_format')
  registerPack(
    @Caller() caller: Principal,
    @Param('name') name: string,
    @Param('id', IdParam) id: string,
    @Param('sha256', HashParam) sha256: string,
  ): Promise<ReceivedPackDto> {
    return this.service.register(caller, name, id, sha256)
  }

  @Summary('Sends a pack', 'Its name is its SHA-256. Sent again, it is the same pack.')
  @Put(':id/packs/:sha256')
  @ApiConsumes('application/octet-stream')
  @ApiBody({ schema: { type: 'string', format: 'binary' } })
  @ApiOkResponse({ type: ReceivedPackDto })
  @Problems(
    'not_found',
    'wrong_state',
    'transfer_expired',
    'upload_interrupted',
    'body_too_large',
    'unsupported_media_type',
    'checksum_mismatch',
    'version_invalid',
    'unsupported_format',
  )
  sendPack(
    @Caller() caller: Principal,
    @Param('name') name: string,
    @Param('id', IdParam) id: string,
    @Param('sha256', HashParam) sha256: string,
    @FileBody() body: IncomingMessage,
  ): Promise<ReceivedPackDto> {
    return this.service.receive(caller, name, id, sha256, body)
  }

  @Summary('Says how many files were sent', 'For whoever looks on: packs do not say it.')
  @Post(':id/progress')
  @HttpCode(200)
  @ApiOkResponse({ type: DataPushDto })
  @Problems('invalid_request', 'not_found', 'wrong_state', 'transfer_expired')
  reportPush(
    @Caller() caller: Principal,
    @Param('name') name: string,
    @Param('id', IdParam) id: string,
    @Body() body: PushProgressDto,
  ): Promise<DataPushDto> {
    return this.service.progress(caller, name, id, body)
  }

  @Summary('Says that everything was sent')
  @Post(':id/seal')
  @HttpCode(202)
  @ApiAcceptedResponse({ type: DataPushDto })
  @Problems('not_found', 'wrong_state', 'transfer_expired')
  sealPush(
    @Caller() caller: Principal,
    @Param('name') name: string,
    @Param('id', IdParam) id: string,
  ): Promise<DataPushDto> {
    return this.service.seal(caller, name, id)
  }
}
