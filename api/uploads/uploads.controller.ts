import { Controller, Get, Inject, Param, Post, Query } from '@nestjs/common'
import { ApiBody, ApiConsumes, ApiCreatedResponse, ApiOkResponse, ApiTags } from '@nestjs/swagger'
import type { IncomingMessage } from 'node:http'
import { Caller } from '../http/caller.js'
import { FILE_TYPES, FileBody } from '../http/file-body.js'
import { ApiIdempotencyKey, IdempotencyKeyOnly } from '../http/idempotency.js'
import { IdParam } from '../http/params.js'
import { Problems, Summary } from '../http/problems.js'
import type { Principal } from '../http/request.js'
import { Needs } from '../http/roles.js'
import { UploadDto, UploadQueryDto } from './uploads.dto.js'
import { UploadsService } from './uploads.service.js'

@ApiTags('uploads')
@Controller('v1/uploads')
export class UploadsController {
  constructor(@Inject(UploadsService) private readonly service: UploadsService) {}

  @Summary(
    'Sends a file for a table: CSV, JSON lines, Parquet or Arrow',
    'It is recognised and checked while it comes; nothing is kept of a bad one.',
  )
  @Needs('operator')
  @Post()
  @ApiConsumes(...FILE_TYPES)
  @ApiBody({ schema: { type: 'string', format: 'binary' } })
  @ApiIdempotencyKey('the same key and file get the same upload again; another file is refused')
  @ApiCreatedResponse({ type: UploadDto })
  @Problems(
    'invalid_request',
    'upload_interrupted',
    'idempotency_key_reused',
    'body_too_large',
    'unsupported_media_type',
    'csv_empty',
    'csv_header_only',
    'csv_malformed',
    'csv_encoding',
    'csv_duplicate_columns',
    'csv_row_too_long',
    'csv_header_ambiguous',
    'ndjson_malformed',
    'ndjson_encoding',
    'parquet_malformed',
    'arrow_malformed',
    'arrow_batch_too_large',
    'format_mismatch',
    'format_unsupported',
    'duplicate_columns',
    'no_rows',
  )
  uploadFile(
    @Caller() caller: Principal,
    @FileBody() body: IncomingMessage,
    @Query() query: UploadQueryDto,
    @IdempotencyKeyOnly() key: string | undefined,
  ): Promise<UploadDto> {
    return this.service.receive(caller, body, query, key)
  }

  @Summary('One upload')
  @Needs('viewer')
  @Get(':id')
  @ApiOkResponse({ type: UploadDto })
  @Problems('not_found')
  getUpload(@Caller() caller: Principal, @Param('id', IdParam) id: string): Promise<UploadDto> {
    return this.service.get(caller, id)
  }
}
