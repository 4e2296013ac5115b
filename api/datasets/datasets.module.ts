import { Module } from '@nestjs/common'
import { CommitSources } from './commit-sources.js'
import { DatasetsController } from './datasets.controller.js'
import { DatasetsService } from './datasets.service.js'
import { ProfilesController } from './profiles.controller.js'
import { ProfilesService } from './profiles.service.js'
import { SuitesController } from './suites.controller.js'
import { SuitesService } from './suites.service.js'
import { ValidationsController } from './validations.controller.js'
import { ValidationsService } from './validations.service.js'

@Module({
  controllers: [DatasetsController, ProfilesController, SuitesController, ValidationsController],
  providers: [CommitSources, DatasetsService, ProfilesService, SuitesService, ValidationsService],
})
export class DatasetsModule {}
