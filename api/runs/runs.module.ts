import { Global, Module } from '@nestjs/common'
import { LiveDetail } from '../temporal/live-detail.js'
import { RunsService } from './runs.service.js'

@Global()
@Module({ providers: [RunsService, LiveDetail], exports: [RunsService, LiveDetail] })
export class RunsModule {}
