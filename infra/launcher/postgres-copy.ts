import type { Writable } from 'node:stream'
import type { Client, Submittable } from 'pg'

/** What of a connection's COPY protocol is used here; pg has it, its types do not. */
interface CopyConnection {
  query(text: string): void
  sendCopyFromChunk(chunk: Uint8Array): void
  endCopyFrom(): void
  sendCopyFail(message: string): void
  readonly stream: {
    pause(): void
    resume(): void
    once(event: 'drain', listener: () => void): void
    readonly writableNeedDrain: boolean
  }
}

/** A COPY as pg runs it: it calls one of these for each message of the server. */
abstract class Copy {
  #failure: Error | undefined
  #settle!: (error?: Error) => void
  /** Settled when the connection may be used again. */
  readonly ended = new Promise<void>((resolve, reject) => {
    this.#settle = error => (error === undefined ? resolve() : reject(error))
  })

  constructor(private readonly sql: string) {}

  submit(connection: unknown): void {
    ;(connection as CopyConnection).query(this.sql)
  }

  handleError(error: Error): void {
    this.#failure = error
    this.#settle(error)
  }

  handleReadyForQuery(_connection: CopyConnection): void {
    this.#settle(this.#failure)
  }

  handleCommandComplete(): void {}
  handleRowDescription(): void {}
}

class CopyOut extends Copy {
  #isWaiting = false

  constructor(
    sql: string,
    private readonly sink: Writable,
  ) {
    super(sql)
  }

  handleCopyData({ chunk }: { chunk: Uint8Array }, { stream }: CopyConnection): void {
    // A copy: pg uses its buffer again. The socket waits while the sink is full.
    if (this.sink.write(Buffer.from(chunk)) || this.#isWaiting) return
    this.#isWaiting = true
    stream.pause()
    this.sink.once('drain', () => {
      this.#isWaiting = false
      stream.resume()
    })
  }

  override handleReadyForQuery(connection: CopyConnection): void {
    // All has come, and a sink that is ended while it is full never drains: the next query would get no answer.
    connection.stream.resume()
    super.handleReadyForQuery(connection)
  }
}

class CopyIn extends Copy {
  constructor(
    sql: string,
    private readonly source: AsyncIterable<Uint8Array>,
  ) {
    super(sql)
  }

  handleCopyInResponse(connection: CopyConnection): void {
    void this.#send(connection)
  }

  async #send(connection: CopyConnection): Promise<void> {
    try {
      for await (const chunk of this.source) {
        connection.sendCopyFromChunk(chunk)
        if (connection.stream.writableNeedDrain) {
          await new Promise<void>(resolve => connection.stream.once('drain', resolve))
        }
      }
      connection.endCopyFrom()
    } catch (error) {
      connection.sendCopyFail((error as Error).message)
    }
  }
}

/** Runs `COPY ... TO STDOUT`; the sink is left open. */
export async function copyOut(client: Client, sql: string, sink: Writable): Promise<void> {
  await client.query(new CopyOut(sql, sink) as Submittable & CopyOut).ended
}

/** Runs `COPY ... FROM STDIN`. */
export async function copyIn(client: Client, sql: string, source: AsyncIterable<Uint8Array>): Promise<void> {
  await client.query(new CopyIn(sql, source) as Submittable & CopyIn).ended
}
