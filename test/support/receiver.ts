import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Received {
  readonly path: string
  readonly key: string
  readonly body: unknown
}

/**
 * A server outside of MLForge that counts what it is sent. Its paths say how it answers: `/ok/...` well,
 * `/fail/<n>/...` with 500 to the first n requests of a key, `/broken/...` with 500 always, `/refuse/...` with
 * 422, `/hold/...` once `release` was called.
 */
export class Receiver {
  readonly received: Received[] = []
  private readonly held: (() => void)[] = []
  private isReleased = false

  private constructor(private readonly server: Server) {}

  static async start(): Promise<Receiver> {
    const server = createServer()
    const receiver = new Receiver(server)
    server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      void receiver.take(request, response)
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    return receiver
  }

  url(path: string): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}${path}`
  }

  of(path: string): Received[] {
    return this.received.filter(each => each.path === path)
  }

  /** Answers what is held, and what comes from now on. */
  release(): void {
    this.isReleased = true
    for (const answer of this.held.splice(0)) answer()
  }

  async stop(): Promise<void> {
    this.release()
    this.server.closeAllConnections()
    await new Promise(resolve => this.server.close(resolve))
  }

  private async take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const path = request.url ?? '/'
    const key = String(request.headers['idempotency-key'])
    const text = Buffer.concat(chunks).toString()
    this.received.push({ path, key, body: text === '' ? null : (JSON.parse(text) as unknown) })
    const answer = (status: number) => {
      response.writeHead(status, { 'content-type': 'application/json' })
      response.end(JSON.stringify({ path, status }))
    }
    const [, behaviour, count] = path.split('/')
    switch (behaviour) {
      case 'fail': {
        const tries = this.received.filter(each => each.path === path && each.key === key).length
        return answer(tries <= Number(count) ? 500 : 200)
      }
      case 'broken':
        return answer(500)
      case 'refuse':
        return answer(422)
      case 'hold':
        if (!this.isReleased) await new Promise<void>(resolve => this.held.push(resolve))
        return answer(200)
      default:
        return answer(200)
    }
  }
}
