const MINUTE_MS = 60_000

/** Does something at once and each minute, never twice at the same time; what fails is done again. */
export class EachMinute {
  private timer: NodeJS.Timeout | undefined
  private running: Promise<void> | undefined

  /** @param failed told of what went wrong */
  constructor(
    private readonly work: () => Promise<void>,
    private readonly failed: (reason: string) => void,
  ) {}

  start(): void {
    const look = () => {
      this.running ??= this.work()
        .catch((error: Error) => this.failed(error.message))
        .finally(() => (this.running = undefined))
    }
    look()
    this.timer = setInterval(look, MINUTE_MS).unref()
  }

  /** Ends when what is being done has ended. */
  async stop(): Promise<void> {
    clearInterval(this.timer)
    await this.running
  }
}
