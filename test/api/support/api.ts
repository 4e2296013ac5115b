import 'reflect-metadata'
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { NestFastifyApplication } from '@nestjs/platform-fastify'
import type { OpenAPIObject } from '@nestjs/swagger'
import { pino } from 'pino'
import { createApp } from '../../../api/app.js'
import { openApiDocument } from '../../../api/http/document.js'
import { loadConfig, toEnvironment } from '../../../config/load.js'
import type { Role } from '../../../stores/postgres/entities/api-key.js'
import { KeyStore } from '../../../stores/postgres/key-store.js'
import type { Harness } from '../../support/harness.js'
import { type TestDatabase, testDatabase } from '../../support/postgres.js'
import { assertConforms } from './conforms.js'

/** The same of every api; to make it takes a second. */
let description: OpenAPIObject | undefined

/** Where nothing listens: what is "away" in a test. */
const AWAY = '127.0.0.1:1'

export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly body: never
}

export interface CallOptions {
  readonly key?: string | null
  readonly body?: unknown
  readonly headers?: Record<string, string>
}

async function makeKeys({ dataSource }: TestDatabase): Promise<void> {
  const keys = new KeyStore(dataSource)
  for (const role of ['viewer', 'operator', 'admin'] as Role[]) {
    await keys.create({ project: 'default', name: role, role, key: `mlf_${role}`, expiresAt: null })
  }
}

/** The api on a real database, listening; Temporal and Redis are away unless given. */
export class TestApi {
  static async start(env: Record<string, string> = {}): Promise<TestApi> {
    const database = await testDatabase()
    const directory = await mkdtemp(join(tmpdir(), 'mlforge-api-'))
    await mkdir(join(directory, 'objects'))
    await makeKeys(database)
    return TestApi.open(database, directory, env)
  }

  /** The api on the servers and the state of workers; to be stopped by itself, before them. */
  static async beside({ config, database }: Pick<Harness, 'config' | 'database'>): Promise<TestApi> {
    await makeKeys(database)
    return TestApi.open(database, dirname(config.objects.directory), toEnvironment(config))
  }

  private static async open(
    database: TestDatabase,
    directory: string,
    env: Record<string, string>,
  ): Promise<TestApi> {
    const config = loadConfig({
      cwd: directory,
      env: {
        MLFORGE_POSTGRES_URL: database.url,
        MLFORGE_REDIS_URL: `redis://${AWAY}`,
        MLFORGE_TEMPORAL_ADDRESS: AWAY,
        MLFORGE_TEMPORAL_WEB_URL: 'http://web.example',
        MLFORGE_OBJECTS_DIRECTORY: join(directory, 'objects'),
        ...env,
      },
    })
    const lines: string[] = []
    const app = await createApp(config, pino({ level: 'info' }, { write: line => void lines.push(line) }))
    await app.listen(0, '127.0.0.1')
    return new TestApi(app, database, directory, lines, await app.getUrl())
  }

  readonly document: OpenAPIObject

  private constructor(
    readonly app: NestFastifyApplication,
    readonly database: TestDatabase,
    readonly directory: string,
    readonly log: readonly string[],
    readonly url: string,
  ) {
    this.document = description ??= openApiDocument(app)
  }

  /** Sends a request as the operator; every answer is compared with its OpenAPI description. */
  async call(method: string, path: string, options: CallOptions = {}): Promise<Answer> {
    const { key = 'mlf_operator', body, headers = {} } = options
    const raw = typeof body === 'string' || body instanceof Uint8Array
    const response = await fetch(this.url + path, {
      method,
      headers: {
        ...(key === null ? {} : { authorization: `Bearer ${key}` }),
        ...(body === undefined || raw ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: raw ? body : JSON.stringify(body) }),
    })
    const text = await response.text()
    const json = /json/.test(response.headers.get('content-type') ?? '')
    const parsed: unknown = json ? JSON.parse(text) : text
    assertConforms(this.document, method, path, response, parsed)
    return { status: response.status, headers: response.headers, body: parsed as never }
  }

  /** Files in the object store, unfinished ones included. */
  async storedFiles(): Promise<string[]> {
    const entries = await readdir(join(this.directory, 'objects'), { recursive: true, withFileTypes: true })
    return entries.filter(entry => entry.isFile()).map(entry => entry.name)
  }

  /** Another api on the same state, as after a restart with other addresses; to be stopped by itself. */
  restart(env: Record<string, string>): Promise<TestApi> {
    return TestApi.open(this.database, this.directory, env)
  }

  /** Ends the api alone. */
  async stop(): Promise<void> {
    await this.app.close()
  }

  async close(): Promise<void> {
    await this.stop()
    await this.database.drop()
    await rm(this.directory, { recursive: true, force: true })
  }
}
