/** Task queues, by the resource that their work uses. */
export const QUEUES = {
  workflows: 'mlforge-workflows',
  io: 'mlforge-io',
  /** Waits that end when something has changed: cheap and long, so they take no slot of work. */
  watch: 'mlforge-watch',
  train: 'mlforge-train',
} as const

export type QueueName = keyof typeof QUEUES
