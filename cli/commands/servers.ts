import type { Command } from 'commander'
import { readSettings } from '../../config/load.js'
import { resolveRedis } from '../../infra/launcher/redis.js'
import { resolveTemporal } from '../../infra/launcher/temporal-program.js'
import { resolveVersitygw } from '../../infra/launcher/versitygw-program.js'

export function servers(program: Command): void {
  program
    .command('servers')
    .description('programs of the embedded servers')
    .command('install')
    .description('find Redis and Temporal, or fetch or build them into the cache')
    .option('--tests', 'also those that only tests need: VersityGW, a server that speaks S3')
    .action(async ({ tests = false }: { tests?: boolean }) => {
      const { redis, temporal, embedded, cacheDirectory, offline } = readSettings({ embedded: true })
      if (redis.url === undefined) {
        const path = await resolveRedis({ configured: embedded.redisPath, cacheDirectory }, console.log)
        console.log(`redis: ${path}`)
      }
      if (temporal.address === undefined) {
        const search = { configured: embedded.temporalPath, cacheDirectory, offline }
        console.log(`temporal: ${await resolveTemporal(search, console.log)}`)
      }
      if (tests) {
        // Where it cannot be had its tests say so: the others can run.
        const path = await resolveVersitygw(cacheDirectory, console.log).catch(
          (error: Error) => error.message,
        )
        console.log(`versitygw: ${path}`)
      }
    })
}
