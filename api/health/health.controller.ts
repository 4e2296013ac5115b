import { Controller, Get, Header, Inject, Res } from '@nestjs/common'
import { ApiOkResponse, ApiProduces, ApiTags } from '@nestjs/swagger'
import type { FastifyReply } from 'fastify'
import { Problems, Summary } from '../http/problems.js'
import { Needs, Public } from '../http/roles.js'
import { AliveDto, HealthDto, ReadyDto } from './health.dto.js'
import { HealthService } from './health.service.js'
import { Metrics } from './metrics.js'

@ApiTags('health')
@Controller()
export class HealthController {
  constructor(
    @Inject(HealthService) private readonly service: HealthService,
    @Inject(Metrics) private readonly metrics: Metrics,
  ) {}

  @Summary('The process runs.')
  @Public()
  @Get('live')
  @ApiOkResponse({ type: AliveDto })
  getLive(): AliveDto {
    return { status: 'alive' }
  }

  @Summary('Work can be taken on: Postgres answers, and the process is not ending.')
  @Public()
  @Get('ready')
  @ApiOkResponse({ type: ReadyDto })
  @Problems('unavailable')
  getReady(): Promise<ReadyDto> {
    return this.service.ready()
  }

  @Summary('Each part the api leans on. The status is 503 when `down`.')
  @Needs('viewer')
  @Get('health')
  @ApiOkResponse({ type: HealthDto })
  async getHealth(@Res({ passthrough: true }) reply: FastifyReply): Promise<HealthDto> {
    const health = await this.service.health()
    void reply.status(health.status === 'down' ? 503 : 200)
    return health
  }

  @Summary("Numbers for Prometheus, which sends a viewer's key as its bearer token.")
  @Needs('viewer')
  @Get('metrics')
  @Header('content-type', 'text/plain; version=0.0.4; charset=utf-8')
  @ApiProduces('text/plain')
  @ApiOkResponse({ schema: { type: 'string' } })
  getMetrics(): Promise<string> {
    return this.metrics.registry.metrics()
  }
}
