import { Module } from '@nestjs/common'
import { DeploymentsController } from './deployments.controller.js'
import { DeploymentsService } from './deployments.service.js'
import { LabelsController } from './labels.controller.js'
import { LabelsService } from './labels.service.js'

@Module({
  controllers: [DeploymentsController, LabelsController],
  providers: [DeploymentsService, LabelsService],
})
export class DeploymentsModule {}
