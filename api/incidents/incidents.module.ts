import { Module } from '@nestjs/common'
import { IncidentPageService } from './incident-page.service.js'
import { IncidentVerbsController } from './incident-verbs.controller.js'
import { IncidentVerbsService } from './incident-verbs.service.js'
import { IncidentsController } from './incidents.controller.js'
import { IncidentsService } from './incidents.service.js'

@Module({
  controllers: [IncidentsController, IncidentVerbsController],
  providers: [IncidentPageService, IncidentsService, IncidentVerbsService],
})
export class IncidentsModule {}
