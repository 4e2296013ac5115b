import { join } from 'node:path'

/** Where things lie inside the state directory. */
export function statePaths(stateDirectory: string) {
  return {
    state: join(stateDirectory, 'processes.json'),
    endpoints: join(stateDirectory, 'endpoints.json'),
    adminKey: join(stateDirectory, 'keys', 'admin'),
    postgresPassword: join(stateDirectory, 'keys', 'postgres'),
    redisPassword: join(stateDirectory, 'keys', 'redis'),
    /** There while a restore is under way, or was killed. */
    restoring: join(stateDirectory, 'restoring'),
    redis: join(stateDirectory, 'redis'),
    temporalFile: join(stateDirectory, 'temporal', 'temporal.db'),
    log: (name: string) => join(stateDirectory, 'logs', `${name}.log`),
  }
}
