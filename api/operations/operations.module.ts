import { Module } from '@nestjs/common'
import { HistoryService } from './history.service.js'
import { OperationsController } from './operations.controller.js'
import { OperationsService } from './operations.service.js'
import { RunEvents } from './run-events.js'

@Module({
  controllers: [OperationsController],
  providers: [HistoryService, OperationsService, RunEvents],
  exports: [HistoryService, RunEvents],
})
export class OperationsModule {}
