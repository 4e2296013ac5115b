import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

/** Looks at what goes over a wire to a server, and cuts connections where a test wants it. */
export class Wire {
  static async to(port: number): Promise<Wire> {
    const wire = new Wire(port)
    await new Promise<void>(resolve => wire.server.listen(0, '127.0.0.1', resolve))
    return wire
  }

  /** Called with the bytes so far, of all connections; true cuts the connection. */
  onUp: (bytes: number) => boolean = () => false
  onDown: (bytes: number) => boolean = () => false
  private up = 0
  private down = 0
  private readonly server: Server
  private readonly sockets = new Set<Socket>()

  private constructor(port: number) {
    this.server = createServer(client => {
      const upstream = connect(port, '127.0.0.1')
      const cut = () => {
        client.destroy()
        upstream.destroy()
      }
      for (const socket of [client, upstream]) {
        this.sockets.add(socket)
        socket.on('error', cut).on('close', () => {
          this.sockets.delete(socket)
          cut()
        })
      }
      client.on('data', chunk => {
        this.up += chunk.length
        if (this.onUp(this.up)) cut()
        else if (!upstream.write(chunk)) client.pause()
      })
      upstream.on('drain', () => client.resume())
      upstream.on('data', chunk => {
        this.down += chunk.length
        if (this.onDown(this.down)) cut()
        else if (!client.write(chunk)) upstream.pause()
      })
      client.on('drain', () => upstream.resume())
    })
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy()
    await new Promise(resolve => this.server.close(resolve))
  }
}
