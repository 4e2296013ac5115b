import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { freePort } from './ports.js'

/** Stands before a server, and can go away and come back. */
export class Proxy {
  private server: Server | undefined
  private readonly sockets = new Set<Socket>()

  private constructor(
    private readonly target: URL,
    private readonly port: number,
  ) {}

  static async before(url: string): Promise<Proxy> {
    const proxy = new Proxy(new URL(url), await freePort())
    await proxy.open()
    return proxy
  }

  get url(): string {
    const through = new URL(this.target)
    through.host = this.address
    return through.toString()
  }

  get address(): string {
    return `127.0.0.1:${this.port}`
  }

  async open(): Promise<void> {
    this.server = createServer(socket => {
      const upstream = connect(Number(this.target.port), this.target.hostname)
      for (const [one, other] of [
        [socket, upstream],
        [upstream, socket],
      ] as const) {
        this.sockets.add(one)
        one.pipe(other)
        one.on('error', () => other.destroy())
        one.on('close', () => other.destroy())
      }
    }).listen(this.port, '127.0.0.1')
    await once(this.server, 'listening')
  }

  async close(): Promise<void> {
    const closed = new Promise(resolve => this.server?.close(resolve))
    for (const socket of this.sockets) socket.destroy()
    this.sockets.clear()
    await closed
  }
}
