import { Module } from '@nestjs/common'
import { MonitoringController } from './monitoring.controller.js'
import { MonitoringService } from './monitoring.service.js'
import { WindowsController } from './windows.controller.js'
import { WindowsService } from './windows.service.js'

@Module({
  controllers: [MonitoringController, WindowsController],
  providers: [MonitoringService, WindowsService],
})
export class MonitoringModule {}
