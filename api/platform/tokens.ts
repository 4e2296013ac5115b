import type { Logger } from 'pino'

export type Log = Logger

// What has no class to be injected by.
export const CONFIG = Symbol('Config')
export const LOGGER = Symbol('Logger')
export const OBJECTS = Symbol('ObjectStore')
