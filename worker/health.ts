import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { collectDefaultMetrics, register } from 'prom-client'

export interface WorkerHealth {
  readonly live: () => boolean
  readonly ready: () => boolean
  /** Address where the Temporal SDK's core serves its own metrics. */
  readonly sdkMetrics: string
}

/** /live, /ready and /metrics of a worker, on loopback. */
export async function serveHealth(port: number, health: WorkerHealth): Promise<Server> {
  collectDefaultMetrics()
  const server = createServer((request, response) => {
    const answer = (ok: boolean) => response.writeHead(ok ? 200 : 503).end(ok ? 'ok\n' : 'no\n')
    switch (request.url) {
      case '/live':
        return void answer(health.live())
      case '/ready':
        return void answer(health.ready())
      case '/metrics':
        return void metrics(health.sdkMetrics)
          .then(text => response.writeHead(200, { 'content-type': register.contentType }).end(text))
          .catch((error: unknown) => response.writeHead(500).end(`${String(error)}\n`))
      default:
        response.writeHead(404).end()
    }
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', resolve)
  })
  return server
}

async function metrics(sdk: string): Promise<string> {
  const response = await fetch(sdk, { signal: AbortSignal.timeout(2_000) })
  return `${await register.metrics()}\n${await response.text()}`
}

/** A port that is free right now, for the core's own metrics. */
export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise(resolve => server.close(resolve))
  return port
}
