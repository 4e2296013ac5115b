import type { RunInput } from '../../contracts/temporal/messages.js'
import type { LoadNode } from '../../domain/data/walk.js'
import { MlforgeError } from '../../domain/errors.js'
import type { Ports } from '../ports.js'
import { chunksMissing, wrongSize } from './file-problems.js'

/** Chunks that are looked for at once. */
const BATCH = 5_000

/** Chunks and nodes that are to be there; they are looked for many at a time, and held for a run. */
export class AskedChunks {
  private readonly walk: LoadNode
  /** Nodes have the size that they have; chunks the one that a manifest says. */
  private asked = new Map<string, number | null>()
  private unread: unknown

  constructor(
    private readonly ports: Pick<Ports, 'packs' | 'holds'>,
    private readonly run: Pick<RunInput, 'project' | 'runId'>,
    private readonly signal: AbortSignal | undefined,
  ) {
    this.walk = ports.packs.walk(run.project)
  }

  /** Reads a node, and asks for it. */
  readonly load: LoadNode = async (sha256, next) => {
    this.signal?.throwIfAborted()
    this.asked.set(sha256, this.asked.get(sha256) ?? null)
    try {
      return await this.walk(sha256, next)
    } catch (error) {
      if (error instanceof MlforgeError && error.code === 'object_missing') throw chunksMissing([sha256])
      this.unread = error
      throw error
    }
  }

  /** Whether an error says that a node could not be read, and nothing of what is in it. */
  isUnread(error: unknown): boolean {
    return error === this.unread
  }

  ask(chunk: string, bytes: number): void {
    const said = this.asked.get(chunk) ?? bytes
    if (said !== bytes) throw wrongSize(chunk, said, bytes)
    this.asked.set(chunk, bytes)
  }

  async lookIfMany(): Promise<void> {
    if (this.asked.size >= BATCH) await this.look()
  }

  /** @throws MlforgeError chunks_missing, version_invalid */
  async look(): Promise<void> {
    this.signal?.throwIfAborted()
    const { asked } = this
    this.asked = new Map()
    const { project, runId } = this.run
    const { missing, bytes } = await this.ports.holds.hold(project, runId, [...asked.keys()])
    if (missing.length > 0) throw chunksMissing(missing)
    for (const [chunk, said] of asked) {
      if (said !== null && said !== bytes.get(chunk)) throw wrongSize(chunk, said, bytes.get(chunk)!)
    }
  }
}
