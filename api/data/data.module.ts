import { Module } from '@nestjs/common'
import { DataController } from './data.controller.js'
import { FilesService } from './files.service.js'
import { PullsService } from './pulls.service.js'
import { PushesController } from './pushes.controller.js'
import { PushesService } from './pushes.service.js'
import { RefsService } from './refs.service.js'

@Module({
  controllers: [PushesController, DataController],
  providers: [PushesService, PullsService, FilesService, RefsService],
})
export class DataModule {}
