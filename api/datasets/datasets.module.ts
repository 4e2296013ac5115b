import { Module } from '@nestjs/common'
import { DatasetsController } from './datasets.controller.js'
import { DatasetsService } from './datasets.service.js'
import { ProfilesController } from './profiles.controller.js'
import { ProfilesService } from './profiles.service.js'

@Module({
  controllers: [DatasetsController, ProfilesController],
  providers: [DatasetsService, ProfilesService],
})
export class DatasetsModule {}
