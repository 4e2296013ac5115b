import { Module } from '@nestjs/common'
import { LineageEventsController } from './lineage-events.controller.js'
import { LineageController } from './lineage.controller.js'
import { LineageService } from './lineage.service.js'

@Module({ controllers: [LineageController, LineageEventsController], providers: [LineageService] })
export class LineageModule {}
