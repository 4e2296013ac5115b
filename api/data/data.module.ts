import { Module } from '@nestjs/common'
import { CollectionsController } from './collections.controller.js'
import { CollectionsService } from './collections.service.js'
import { DataController } from './data.controller.js'
import { FilesService } from './files.service.js'
import { PullsService } from './pulls.service.js'
import { PushesController } from './pushes.controller.js'
import { PushesService } from './pushes.service.js'
import { RefsService } from './refs.service.js'
import { RetentionController } from './retention.controller.js'
import { RetentionService } from './retention.service.js'
import { VerificationsService } from './verifications.service.js'

@Module({
  controllers: [PushesController, DataController, CollectionsController, RetentionController],
  providers: [
    PushesService,
    PullsService,
    FilesService,
    RefsService,
    CollectionsService,
    VerificationsService,
    RetentionService,
  ],
})
export class DataModule {}
