/** What is played, and where each stands when something is killed, in the order in which it comes there. */
export const POINTS = {
  training: ['upload', 'commit', 'checkpoint', 'evaluate', 'register', 'trigger'],
  rollout: ['issued', 'untaken', 'sealed', 'half', 'swap', 'alias', 'uploaded', 'verb'],
  incident: ['opened', 'waiting', 'set', 'accepted', 'registered', 'moved', 'observed', 'closed'],
  release: ['checked', 'learning', 'asked', 'answered', 'championed', 'planned', 'undone'],
} as const

export type ScenarioName = keyof typeof POINTS
export type TrainingPoint = (typeof POINTS)['training'][number]
export type RolloutPoint = (typeof POINTS)['rollout'][number]
export type IncidentPoint = (typeof POINTS)['incident'][number]
export type ReleasePoint = (typeof POINTS)['release'][number]
export type Point = TrainingPoint | RolloutPoint | IncidentPoint | ReleasePoint

export const POINT_TITLES: Record<Point, string> = {
  upload: 'upload streaming',
  commit: 'commit between object and row',
  checkpoint: 'first checkpoint durable',
  evaluate: 'evaluation',
  register: 'version row written but not answered',
  trigger: 'schedule trigger',
  issued: 'first plan written but not acknowledged',
  untaken: 'plan of 10 % written but not taken by a replica',
  sealed: 'segment sealed but not uploaded',
  half: 'canary at 50 %',
  swap: 'swap to the promoted plan',
  alias: 'alias moved but the run still open',
  uploaded: 'segment uploaded but not ingested',
  verb: 'verb sent but not answered',
  opened: 'incident opened but nothing done yet',
  waiting: 'incident waiting for data',
  set: 'retraining set committed but no training yet',
  accepted: 'retraining accepted but not known to the incident',
  registered: 'retrained version registered but no rollout yet',
  moved: 'alias moved but the incident still open',
  observed: 'window recorded while the incident observes',
  closed: 'incident closed but its run still open',
  checked: 'step of a pipeline committed but not answered',
  learning: 'first checkpoint of a step that is a training',
  asked: 'pipeline waiting for an approval',
  answered: 'approval sent but not answered',
  championed: 'alias moved by a step but not answered',
  planned: 'first plan of a step that is a rollout',
  undone: 'step undone but not answered',
}

export type Victim =
  | 'api'
  | 'worker-workflows'
  | 'worker-io'
  | 'worker-train'
  | 'trainer'
  | 'serving-1'
  | 'serving-2'
  | 'temporal'
  | 'postgres'
  | 'redis'
  | 'supervisor'

/** Those that take part. */
const PROCESSES: Readonly<Record<ScenarioName, readonly Victim[]>> = {
  training: [
    'api',
    'worker-workflows',
    'worker-io',
    'worker-train',
    'trainer',
    'temporal',
    'postgres',
    'redis',
    'supervisor',
  ],
  rollout: [
    'api',
    'worker-workflows',
    'worker-io',
    'serving-1',
    'temporal',
    'postgres',
    'redis',
    'supervisor',
    'serving-2',
  ],
  incident: [
    'api',
    'worker-workflows',
    'worker-io',
    'worker-train',
    'serving-1',
    'temporal',
    'postgres',
    'redis',
    'supervisor',
  ],
  release: [
    'api',
    'worker-workflows',
    'worker-io',
    'worker-train',
    'serving-1',
    'temporal',
    'postgres',
    'redis',
    'supervisor',
  ],
}

/** A second replica gets no requests: it matters where plans are to be taken. */
const SECOND_REPLICA: readonly Point[] = ['issued', 'untaken', 'half', 'swap']

export interface Pair {
  readonly scenario: ScenarioName
  readonly point: Point
  readonly process: Victim
}

/**
 * All of them, in an order in which a process is killed again only after all others; at the end what
 * needs a second replica, which takes a moment to come and go.
 */
export const ALL_PAIRS: readonly Pair[] = (Object.keys(POINTS) as ScenarioName[])
  .flatMap(scenario =>
    POINTS[scenario].flatMap(point => PROCESSES[scenario].map(process => ({ scenario, point, process }))),
  )
  .filter(({ point, process }) => process !== 'serving-2' || SECOND_REPLICA.includes(point))
  .toSorted((a, b) => replicasFor([a]) - replicasFor([b]))

/** How many replicas a stack needs for these kills. */
export function replicasFor(pairs: readonly Pair[]): number {
  return pairs.some(({ process }) => process === 'serving-2') ? 2 : 1
}

/** Kills in one play of their scenario, each at another point. */
export interface Tour {
  readonly scenario: ScenarioName
  readonly pairs: readonly Pair[]
}

/**
 * Each point of the training and of the rollout, most of the incident and the release, each process at least once,
 * each where it hurts most. To play a scenario takes longer than to kill somebody in it, so each is hit several
 * times; all pairs one by one are for the long suite.
 */
export const CHOSEN_TOURS: readonly Tour[] = [
  tour('training', [
    ['upload', 'api'],
    ['commit', 'worker-io'],
    ['checkpoint', 'trainer'],
    ['evaluate', 'supervisor'],
    ['register', 'postgres'],
    ['trigger', 'redis'],
  ]),
  tour('rollout', [
    ['issued', 'worker-io'],
    ['untaken', 'serving-2'],
    ['sealed', 'serving-1'],
    ['half', 'temporal'],
    ['half', 'worker-workflows'],
    ['swap', 'serving-1'],
    ['alias', 'postgres'],
    ['uploaded', 'worker-io'],
    ['verb', 'api'],
  ]),
  tour('incident', [
    ['opened', 'worker-workflows'],
    ['set', 'worker-io'],
    ['registered', 'postgres'],
    ['observed', 'supervisor'],
    ['closed', 'api'],
  ]),
  tour('release', [
    ['checked', 'worker-io'],
    ['learning', 'worker-train'],
    ['asked', 'temporal'],
    ['answered', 'worker-workflows'],
    ['championed', 'postgres'],
    ['planned', 'supervisor'],
    ['undone', 'worker-io'],
  ]),
]

function tour(scenario: ScenarioName, kills: readonly (readonly [Point, Victim])[]): Tour {
  return { scenario, pairs: kills.map(([point, process]) => ({ scenario, point, process })) }
}
