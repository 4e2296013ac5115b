import { type DynamicModule, Module } from '@nestjs/common'
import { APP_FILTER, APP_GUARD } from '@nestjs/core'
import type { Config } from '../config/config.js'
import { AssetsModule } from './assets/assets.module.js'
import { BackfillsModule } from './backfills/backfills.module.js'
import { DataModule } from './data/data.module.js'
import { DatasetsModule } from './datasets/datasets.module.js'
import { DeploymentsModule } from './deployments/deployments.module.js'
import { ErrorsModule } from './errors/errors.module.js'
import { HealthModule } from './health/health.module.js'
import { AuthGuard } from './http/auth.guard.js'
import { ProblemFilter } from './http/problem.filter.js'
import { IncidentsModule } from './incidents/incidents.module.js'
import { KeysModule } from './keys/keys.module.js'
import { LineageModule } from './lineage/lineage.module.js'
import { ModelsModule } from './models/models.module.js'
import { MonitoringModule } from './monitoring/monitoring.module.js'
import { OperationsModule } from './operations/operations.module.js'
import { PipelinesModule } from './pipelines/pipelines.module.js'
import { PlatformModule } from './platform/platform.module.js'
import type { Log } from './platform/tokens.js'
import { PoolsModule } from './pools/pools.module.js'
import { RetrainingModule } from './retraining/retraining.module.js'
import { RolloutsModule } from './rollouts/rollouts.module.js'
import { RunsModule } from './runs/runs.module.js'
import { SchedulesModule } from './schedules/schedules.module.js'
import { SensorsModule } from './sensors/sensors.module.js'
import { TrainingsModule } from './trainings/trainings.module.js'
import { TransformationsModule } from './transformations/transformations.module.js'
import { UploadsModule } from './uploads/uploads.module.js'

@Module({})
export class AppModule {
  static with(config: Config, log: Log): DynamicModule {
    return {
      module: AppModule,
      imports: [
        PlatformModule.with(config, log),
        RunsModule,
        HealthModule,
        UploadsModule,
        DatasetsModule,
        DataModule,
        TransformationsModule,
        TrainingsModule,
        ModelsModule,
        RolloutsModule,
        ErrorsModule,
        DeploymentsModule,
        MonitoringModule,
        RetrainingModule,
        IncidentsModule,
        SchedulesModule,
        SensorsModule,
        PipelinesModule,
        PoolsModule,
        AssetsModule,
        BackfillsModule,
        LineageModule,
        OperationsModule,
        KeysModule,
      ],
      providers: [
        { provide: APP_FILTER, useClass: ProblemFilter },
        { provide: APP_GUARD, useClass: AuthGuard },
      ],
    }
  }
}
