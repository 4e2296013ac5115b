import type { Victim } from '../../kill/points.js'
import { Random } from './random.js'

/** Where a client is when something is killed. */
export const MOMENTS = ['adding', 'added', 'committed', 'sending', 'sent', 'pulling', 'writing'] as const
export type Moment = (typeof MOMENTS)[number]

export const SERVERS = [
  'api',
  'worker-io',
  'worker-workflows',
  'postgres',
  'temporal',
  'redis',
  'supervisor',
] as const satisfies readonly Victim[]

/** `client` is the process that works in the directory of the clone. */
export type DataVictim = (typeof SERVERS)[number] | 'client'

/** A kill: of whom, when which clone comes to what (or is done for this round), and how long after that. */
export interface PlannedStrike {
  readonly victim: DataVictim
  readonly clone: number
  readonly moment: Moment
  readonly delayMs: number
}

/** What a clone does in a round. */
export interface Turn {
  /** Leaves what it has for the newest version of the main branch first. */
  readonly fromMain: boolean
  /** A commit each, with what is changed by the seed. */
  readonly commits: readonly number[]
  /** What it does when somebody else was first: its commits go to another branch, or are made again. */
  readonly whenMoved: 'switch' | 'again'
}

export interface Round {
  /** By clone; all of them at the same time. Null where it does nothing. */
  readonly turns: readonly (Turn | null)[]
  /** A table that somebody commits meanwhile, by the seed of its rows. */
  readonly table: number | null
  /** Which of the versions before is read into a fresh directory meanwhile. */
  readonly pull: number | null
  /** A tag that is moved to one of the versions before. */
  readonly tag: { readonly name: string; readonly version: number } | null
  readonly strikes: readonly PlannedStrike[]
}

export interface DataCase {
  readonly seed: number
  readonly clones: number
  readonly rounds: readonly Round[]
}

const CLIENT_DELAY_MS = 120
const SERVER_DELAY_MS = 900

/** The case of a seed: always the same. */
export function dataCaseOf(seed: number): DataCase {
  const random = new Random(seed)
  const clones = random.between(2, 3)
  const rounds = Array.from({ length: random.between(2, 4) }, (_, at) => roundOf(random, clones, at))
  const striking = [
    ...Array.from({ length: random.between(2, 3) }, () => random.pick(SERVERS)),
    'client' as const,
  ]
  if (random.oneIn(2)) striking.push('client')
  for (const victim of striking) {
    const { turns, strikes } = random.pick(rounds)
    const busy = turns.flatMap((turn, clone) => (turn === null ? [] : [clone]))
    strikes.push({
      victim,
      clone: random.pick(busy),
      moment: random.pick(victim === 'client' ? MOMENTS : SERVER_MOMENTS),
      delayMs: random.below(victim === 'client' ? CLIENT_DELAY_MS : SERVER_DELAY_MS),
    })
  }
  return { seed, clones, rounds }
}

/** Nothing is asked of a server before. */
const SERVER_MOMENTS = ['committed', 'sending', 'sent', 'pulling'] as const satisfies readonly Moment[]

function roundOf(random: Random, clones: number, at: number): Round & { strikes: PlannedStrike[] } {
  const turns = Array.from({ length: clones }, () => (random.oneIn(4) ? null : turnOf(random, at)))
  // Somebody does something, so that a push comes last and publishes what was moved before.
  if (!turns.some(Boolean)) turns[0] = turnOf(random, at)
  return {
    turns,
    table: random.oneIn(4) ? random.next() : null,
    pull: random.oneIn(2) ? random.next() : null,
    tag: random.oneIn(2) ? { name: `t${random.below(2)}`, version: random.next() } : null,
    strikes: [],
  }
}

function turnOf(random: Random, round: number): Turn {
  return {
    fromMain: round > 0 && random.oneIn(2),
    commits: Array.from({ length: random.oneIn(3) ? 2 : 1 }, () => random.next()),
    whenMoved: random.oneIn(2) ? 'switch' : 'again',
  }
}
