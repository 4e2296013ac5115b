import { type DynamicModule, Module } from '@nestjs/common'
import { APP_FILTER, APP_GUARD } from '@nestjs/core'
import type { Config } from '../config/config.js'
import { HealthModule } from './health/health.module.js'
import { AuthGuard } from './http/auth.guard.js'
import { ProblemFilter } from './http/problem.filter.js'
import { KeysModule } from './keys/keys.module.js'
import { PlatformModule } from './platform/platform.module.js'
import type { Log } from './platform/tokens.js'

@Module({})
export class AppModule {
  static with(config: Config, log: Log): DynamicModule {
    return {
      module: AppModule,
      imports: [PlatformModule.with(config, log), HealthModule, KeysModule],
      providers: [
        { provide: APP_FILTER, useClass: ProblemFilter },
        { provide: APP_GUARD, useClass: AuthGuard },
      ],
    }
  }
}
