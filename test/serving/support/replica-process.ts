import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { Agent, request } from 'node:http'
import { fileURLToPath } from 'node:url'
import type { OpenAPIObject } from '@nestjs/swagger'
import type { PredictResponse } from '../../../contracts/rest/predict.js'
import { SERVING_DOCUMENT } from '../../../serving/http/document.js'
import { assertConforms } from '../../api/support/conforms.js'
import { freePort } from '../../support/ports.js'
import { eventually } from '../../support/eventually.js'

export const DOCUMENT = SERVING_DOCUMENT as unknown as OpenAPIObject

const MAIN = fileURLToPath(new URL('../../../serving/main.js', import.meta.url))

export interface Answer {
  readonly status: number
  readonly headers: Record<string, string | string[] | undefined>
  readonly body: PredictResponse & {
    code: string
    detail: string
    problems: { at: string; message: string }[]
  }
}

export interface Call {
  readonly method?: string
  readonly key?: string | null
  readonly headers?: Record<string, string>
  readonly body?: unknown
}

/** A replica in a process of its own, with nothing but its environment. */
export class ReplicaProcess {
  private readonly agent = new Agent({ keepAlive: true, maxSockets: 256 })
  output = ''

  private constructor(
    readonly child: ChildProcess,
    readonly port: number,
  ) {
    for (const stream of [child.stdout!, child.stderr!]) {
      stream.on('data', chunk => (this.output += String(chunk)))
    }
  }

  /** @param fileKb size that no file of it can grow beyond */
  static async spawn(
    name: string,
    cwd: string,
    env: Record<string, string>,
    fileKb?: number,
  ): Promise<ReplicaProcess> {
    const port = await freePort()
    const limit = fileKb === undefined ? '' : `ulimit -f ${fileKb} && `
    const command = [process.execPath, '--enable-source-maps', MAIN, `--replica=${name}`]
    const child = spawn('bash', ['-c', `${limit}exec "$@"`, 'bash', ...command], {
      cwd,
      env: {
        PATH: process.env['PATH'],
        MLFORGE_SERVING_PORT: String(port),
        MLFORGE_REDIS_URL: 'redis://127.0.0.1:1',
        MLFORGE_TEMPORAL_ADDRESS: '127.0.0.1:1',
        ...env,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    return new ReplicaProcess(child, port)
  }

  async ready(): Promise<this> {
    await eventually(async () => {
      if (this.child.exitCode !== null) throw new Error(`it has ended: ${this.output}`)
      const { status, body } = await this.call('/ready', { method: 'GET' })
      if (status !== 200) throw new Error(`${status} ${JSON.stringify(body)}: ${this.output}`)
    })
    return this
  }

  /** Listens, ready or not. */
  async live(): Promise<this> {
    await eventually(() => this.call('/live', { method: 'GET' }))
    return this
  }

  /** Sends rows to a deployment. */
  predict(deployment: string, rows: unknown, call: Call & { version?: number } = {}): Promise<Answer> {
    const pin = call.version === undefined ? '' : `/versions/${call.version}`
    return this.call(`/v1/deployments/${deployment}${pin}/predict`, { body: { rows }, ...call })
  }

  /** Every answer is compared with its OpenAPI description. */
  call(
    path: string,
    { method = 'POST', key = 'mlf_viewer', headers = {}, body }: Call = {},
  ): Promise<Answer> {
    const text = body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body)
    return new Promise((resolve, reject) => {
      const sent = request(
        {
          host: '127.0.0.1',
          port: this.port,
          method,
          path,
          agent: this.agent,
          headers: {
            ...(key === null ? {} : { authorization: `Bearer ${key}` }),
            ...(text === undefined ? {} : { 'content-type': 'application/json' }),
            ...headers,
          },
        },
        response => {
          let answer = ''
          response.setEncoding('utf8').on('data', chunk => (answer += String(chunk)))
          response.once('error', reject)
          response.once('end', () => {
            const json = /json/.test(response.headers['content-type'] ?? '')
            const parsed: unknown = json ? JSON.parse(answer) : answer
            const status = response.statusCode!
            try {
              const got = new Headers(response.headers as Record<string, string>)
              assertConforms(DOCUMENT, method, path, { status, headers: got }, parsed)
            } catch (error) {
              return reject(error as Error)
            }
            resolve({ status, headers: response.headers, body: parsed as never })
          })
        },
      )
      sent.once('error', reject)
      sent.end(text)
    })
  }

  async metrics(): Promise<string> {
    return (await this.call('/metrics', { method: 'GET' })).body as unknown as string
  }

  /** Tells it to end, and waits until it has; answers its exit code. */
  async terminate(): Promise<number | null> {
    return this.end('SIGTERM')
  }

  async kill(): Promise<void> {
    await this.end('SIGKILL')
  }

  private async end(signal: NodeJS.Signals): Promise<number | null> {
    const { child } = this
    this.agent.destroy()
    if (child.exitCode === null && child.signalCode === null) {
      child.kill(signal)
      await once(child, 'exit')
    }
    return child.exitCode
  }
}
