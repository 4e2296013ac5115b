import { Module } from '@nestjs/common'
import { RetrainingController } from './retraining.controller.js'
import { RetrainingService } from './retraining.service.js'

@Module({ controllers: [RetrainingController], providers: [RetrainingService] })
export class RetrainingModule {}
