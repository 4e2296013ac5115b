import { Module } from '@nestjs/common'
import { SensorReconciler } from './sensor-reconciler.js'
import { SensorWork } from './sensor-work.js'
import { SensorsController } from './sensors.controller.js'
import { SensorsService } from './sensors.service.js'
import { TemporalSensors } from './temporal-sensors.js'

@Module({
  controllers: [SensorsController],
  providers: [SensorWork, SensorReconciler, SensorsService, TemporalSensors],
})
export class SensorsModule {}
