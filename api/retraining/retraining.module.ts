import { Module } from '@nestjs/common'
import { RetrainingController } from './retraining.controller.js'
import { RetrainingService } from './retraining.service.js'
import { RetrainingsController } from './retrainings.controller.js'
import { RetrainingsService } from './retrainings.service.js'

@Module({
  controllers: [RetrainingController, RetrainingsController],
  providers: [RetrainingService, RetrainingsService],
})
export class RetrainingModule {}
