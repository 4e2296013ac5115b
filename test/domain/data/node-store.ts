import { createHash } from 'node:crypto'

/** Nodes in memory, for pure logic: counts what is new, and what is read. */
export class NodeStore {
  readonly nodes = new Map<string, Uint8Array>()
  added = 0
  read = 0

  readonly keep = (node: Uint8Array): string => {
    const sha256 = createHash('sha256').update(node).digest('hex')
    if (!this.nodes.has(sha256)) this.added++
    this.nodes.set(sha256, node)
    return sha256
  }

  readonly load = async (sha256: string): Promise<Uint8Array> => {
    this.read++
    const node = this.nodes.get(sha256)
    return node ? Promise.resolve(node) : Promise.reject(new Error(`no node ${sha256}`))
  }
}
