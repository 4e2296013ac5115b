import type { View } from './read.js'
import { closed, type Session } from './session.js'

/** Where a dataset comes from: shared by its parts. */
export interface Source {
  readonly session: () => Promise<Session>
  close(): Promise<void>
}

/** What is open already. */
export function opened([session, view]: [Session, View]): [Source, View] {
  return [{ session: () => Promise.resolve(session), close: () => session.close() }, view]
}

/** Opened when it is first read; after a failure, again. */
export function lazily(open: () => Promise<Session>): Source {
  let opening: Promise<Session> | undefined
  let isClosed = false
  return {
    session: async () => {
      if (isClosed) throw closed()
      opening ??= open()
      const tried = opening
      try {
        return await tried
      } catch (error) {
        if (opening === tried) opening = undefined
        throw error
      }
    },
    close: async () => {
      isClosed = true
      const session = await opening?.catch(() => undefined)
      await session?.close()
    },
  }
}
