import { Module } from '@nestjs/common'
import { AssetChecks } from './asset-checks.js'
import { AssetsController } from './assets.controller.js'
import { AssetsService } from './assets.service.js'

@Module({ controllers: [AssetsController], providers: [AssetsService, AssetChecks] })
export class AssetsModule {}
