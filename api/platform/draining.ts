import { Injectable, type OnModuleDestroy } from '@nestjs/common'

/** Says when the process has been told to end: it is no longer ready, and long answers come to their end. */
@Injectable()
export class Draining implements OnModuleDestroy {
  private readonly controller = new AbortController()
  readonly signal = this.controller.signal

  get active(): boolean {
    return this.signal.aborted
  }

  onModuleDestroy(): void {
    this.controller.abort()
  }
}
