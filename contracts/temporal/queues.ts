/** Task queues, by the resource that their work uses. */
export const QUEUES = {
  workflows: 'mlforge-workflows',
  io: 'mlforge-io',
  train: 'mlforge-train',
} as const

export type QueueName = keyof typeof QUEUES
