import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

export interface Proxy {
  readonly url: string
  close(): Promise<void>
}

/** Stands between a client and a server. @param seen is called as bytes come by, before they go on, with how many have come so far; true cuts the connection */
export async function proxyTo(
  url: string,
  seen: (bytes: number, chunk: Buffer) => boolean = () => false,
): Promise<Proxy> {
  const { hostname, port } = new URL(url)
  let bytes = 0
  const clients = new Set<Socket>()
  const server = createServer(client => {
    clients.add(client)
    const target = connect(Number(port), hostname)
    for (const [from, to] of [
      [client, target],
      [target, client],
    ] as const) {
      from.on('data', chunk => {
        bytes += chunk.length
        if (seen(bytes, chunk)) client.destroy()
        else to.write(chunk)
      })
      from.on('close', () => to.destroy())
      from.on('error', () => to.destroy())
    }
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      server.close()
      // Some are kept for the next request.
      for (const client of clients) client.destroy()
      await once(server, 'close')
    },
  }
}
