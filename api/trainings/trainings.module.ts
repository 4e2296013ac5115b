import { Module } from '@nestjs/common'
import { OperationsModule } from '../operations/operations.module.js'
import { TrainingPlanner } from './training-planner.js'
import { TrainingsController } from './trainings.controller.js'
import { TrainingsService } from './trainings.service.js'

@Module({
  imports: [OperationsModule],
  controllers: [TrainingsController],
  providers: [TrainingPlanner, TrainingsService],
  exports: [TrainingPlanner],
})
export class TrainingsModule {}
