import { Module } from '@nestjs/common'
import { OperationsModule } from '../operations/operations.module.js'
import { BackfillPageService } from './backfill-page.service.js'
import { BackfillsController } from './backfills.controller.js'
import { BackfillsService } from './backfills.service.js'

@Module({
  imports: [OperationsModule],
  controllers: [BackfillsController],
  providers: [BackfillsService, BackfillPageService],
})
export class BackfillsModule {}
