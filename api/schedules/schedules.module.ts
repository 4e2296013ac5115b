import { Module } from '@nestjs/common'
import { TrainingsModule } from '../trainings/trainings.module.js'
import { ScheduledWork } from './scheduled-work.js'
import { ScheduleReconciler } from './schedule-reconciler.js'
import { SchedulesController } from './schedules.controller.js'
import { SchedulesService } from './schedules.service.js'
import { TemporalSchedules } from './temporal-schedules.js'

@Module({
  imports: [TrainingsModule],
  controllers: [SchedulesController],
  providers: [ScheduledWork, ScheduleReconciler, SchedulesService, TemporalSchedules],
})
export class SchedulesModule {}
