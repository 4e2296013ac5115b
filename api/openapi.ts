import 'reflect-metadata'
import { writeFile } from 'node:fs/promises'
import { pino } from 'pino'
import { loadConfig } from '../config/load.js'
import { createApp } from './app.js'
import { openApiDocument } from './http/document.js'

/** Writes the OpenAPI description of the routes; nothing is connected or listened to. */
const [path = 'docs/openapi.json'] = process.argv.slice(2)
// Addresses of parts that are never asked.
const env = {
  MLFORGE_POSTGRES_URL: 'postgres://nobody@127.0.0.1:1/none',
  MLFORGE_REDIS_URL: 'redis://127.0.0.1:1',
  MLFORGE_TEMPORAL_ADDRESS: '127.0.0.1:1',
}
const app = await createApp(loadConfig({ env, cwd: '/' }), pino({ level: 'silent' }))
await writeFile(path, `${JSON.stringify(openApiDocument(app), null, 2)}\n`)
process.exit(0)
