import { Module } from '@nestjs/common'
import { RolloutPlanner } from './rollout-planner.js'
import { RolloutsController } from './rollouts.controller.js'
import { RolloutsService } from './rollouts.service.js'
import { VerbsController } from './verbs.controller.js'
import { VerbsService } from './verbs.service.js'

@Module({
  controllers: [RolloutsController, VerbsController],
  providers: [RolloutPlanner, RolloutsService, VerbsService],
})
export class RolloutsModule {}
