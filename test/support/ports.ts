import { randomUUID } from 'node:crypto'
import { freePort as freePortOf } from '../../infra/launcher/ports.js'

/** A port that nobody listens on right now, and that the system gives to nobody who asks for any. */
export const freePort = (): Promise<number> => freePortOf([], randomUUID())
