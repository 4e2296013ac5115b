import { Module } from '@nestjs/common'
import { TransformationsController } from './transformations.controller.js'
import { TransformationsService } from './transformations.service.js'

@Module({ controllers: [TransformationsController], providers: [TransformationsService] })
export class TransformationsModule {}
