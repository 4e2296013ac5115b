import { Module } from '@nestjs/common'
import { OperationsModule } from '../operations/operations.module.js'
import { PipelineRunsController } from './pipeline-runs.controller.js'
import { PipelineRunsService } from './pipeline-runs.service.js'
import { PipelineVerbsService } from './pipeline-verbs.service.js'
import { PipelinesController } from './pipelines.controller.js'
import { PipelinesService } from './pipelines.service.js'
import { StepAnswersController } from './step-answers.controller.js'
import { StepLogsService } from './step-logs.service.js'
import { StepOutputsService } from './step-outputs.service.js'
import { StepsController } from './steps.controller.js'

@Module({
  imports: [OperationsModule],
  controllers: [PipelinesController, PipelineRunsController, StepAnswersController, StepsController],
  providers: [
    PipelinesService,
    PipelineRunsService,
    PipelineVerbsService,
    StepLogsService,
    StepOutputsService,
  ],
})
export class PipelinesModule {}
