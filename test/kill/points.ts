/** Where the scenario stands when something is killed. */
export const POINTS = ['upload', 'commit', 'checkpoint', 'evaluate', 'register', 'trigger'] as const
export type Point = (typeof POINTS)[number]

export const POINT_TITLES: Record<Point, string> = {
  upload: 'upload streaming',
  commit: 'commit between object and row',
  checkpoint: 'first checkpoint durable',
  evaluate: 'evaluation',
  register: 'version row written but not answered',
  trigger: 'schedule trigger',
}

export const PROCESSES = [
  'api',
  'worker-workflows',
  'worker-io',
  'worker-train',
  'trainer',
  'temporal',
  'postgres',
  'redis',
  'supervisor',
] as const
export type Victim = (typeof PROCESSES)[number]

export interface Pair {
  readonly point: Point
  readonly process: Victim
}

/** All of them, in an order in which a process is killed again only after all others. */
export const ALL_PAIRS: readonly Pair[] = POINTS.flatMap(point =>
  PROCESSES.map(process => ({ point, process })),
)

/** Each point at least twice, each process at least once, each where it hurts most. */
export const CHOSEN_PAIRS: readonly Pair[] = [
  { point: 'upload', process: 'api' },
  { point: 'upload', process: 'postgres' },
  { point: 'commit', process: 'worker-io' },
  { point: 'commit', process: 'temporal' },
  { point: 'checkpoint', process: 'worker-train' },
  { point: 'checkpoint', process: 'trainer' },
  { point: 'evaluate', process: 'worker-workflows' },
  { point: 'evaluate', process: 'supervisor' },
  { point: 'register', process: 'worker-io' },
  { point: 'register', process: 'postgres' },
  { point: 'trigger', process: 'api' },
  { point: 'trigger', process: 'redis' },
]
