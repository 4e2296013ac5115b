// Requests over keep-alive connections, each row with an id of its own, as fast as the answers come.
// Raw sockets with prepared bytes: a client library would cost more than what is measured.
import { connect, type Socket } from 'node:net'

export interface Load {
  /** Spread over the connections. */
  readonly ports: readonly number[]
  readonly path: string
  readonly key: string
  readonly connections: number
  readonly warmUpSeconds: number
  readonly seconds: number
  /** Rows of each request. */
  readonly rows: number
  /** Begins the ids, so that no two runs share one. */
  readonly run: string
  /** JSON of the features of a row. */
  readonly features: string
}

export interface Measured {
  readonly perSecond: number
  readonly p50: number
  readonly p99: number
  /** Of the whole run, its warming up included. */
  readonly requests: number
  readonly failed: number
}

const load = JSON.parse(process.argv[2]!) as Load
const end = Buffer.from('\r\n\r\n')
const latencies: number[] = []
let failed = 0
let next = 0
const from = performance.now() + load.warmUpSeconds * 1000
const until = from + load.seconds * 1000

await Promise.all(
  Array.from({ length: load.connections }, (_, i) => drive(load.ports[i % load.ports.length]!)),
)
latencies.sort((a, b) => a - b)
const at = (share: number): number => latencies[Math.floor(share * (latencies.length - 1))] ?? 0
const perSecond = latencies.length / load.seconds
const measured: Measured = { perSecond, p50: at(0.5), p99: at(0.99), requests: next, failed }
console.log(JSON.stringify(measured))

async function drive(port: number): Promise<void> {
  const socket = connect(port, '127.0.0.1').setNoDelay(true)
  await new Promise(resolve => socket.once('connect', resolve))
  while (performance.now() < until) {
    const started = performance.now()
    const status = await exchange(socket, requestBytes(port))
    const ended = performance.now()
    if (status !== 200) failed++
    if (started >= from && ended <= until) latencies.push(ended - started)
  }
  socket.destroy()
}

function requestBytes(port: number): string {
  const request = next++
  let rows = ''
  for (let i = 0; i < load.rows; i++) {
    rows += `${i === 0 ? '' : ','}{"id":"${load.run}-${request}-${i}","features":${load.features}}`
  }
  const body = `{"rows":[${rows}]}`
  return (
    `POST ${load.path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAuthorization: Bearer ${load.key}\r\n` +
    `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`
  )
}

/** Sends one request and resolves with its status once the whole answer is there. */
function exchange(socket: Socket, request: string): Promise<number> {
  return new Promise((resolve, reject) => {
    let received: Buffer = Buffer.alloc(0)
    const take = (chunk: Buffer): void => {
      received = received.length === 0 ? chunk : Buffer.concat([received, chunk])
      const head = received.indexOf(end)
      if (head < 0) return
      const headers = received.toString('latin1', 0, head)
      const length = Number(/content-length: (\d+)/i.exec(headers)?.[1])
      if (received.length < head + end.length + length) return
      socket.off('data', take)
      socket.off('error', reject)
      resolve(Number(headers.slice(9, 12)))
    }
    socket.on('data', take)
    socket.once('error', reject)
    socket.write(request)
  })
}
