import type { ComparableState } from '../../../domain/check/comparable.js'
import { differences } from '../differences.js'
import type { Attempt, Kill, Play } from '../play.js'
import type { Pair } from '../points.js'
import type { KillStack } from '../stack.js'
import { namesOf, runScenario, trainingOf } from './scenario.js'
import { trainingState } from './state.js'
import { needsOther, prepare, strike, type Struck } from './strike.js'

const UNDISTURBED = 'undisturbed'

/** Data -> train -> register -> a schedule. */
export class TrainingPlay implements Play {
  private last = { prefix: UNDISTURBED, file: '', withOther: false }

  private constructor(
    private readonly stack: KillStack,
    private readonly csv: string,
    /** Dataset for trainings beside the scenario. */
    private readonly base: string,
    private readonly expected: ComparableState,
    private readonly expectedWithOther: ComparableState,
  ) {}

  /** @param pairs what will be run: some need a second training to compare with, most do not */
  static async start(
    stack: KillStack,
    csv: string,
    base: string,
    pairs: readonly Pair[],
  ): Promise<TrainingPlay> {
    const client = await stack.client()
    const file = variant(csv, 0)
    await runScenario(client, UNDISTURBED, file, () => Promise.resolve())
    const expected = await trainingState(stack, UNDISTURBED, file, false)
    if (!pairs.some(needsOther)) return new TrainingPlay(stack, csv, base, expected, expected)
    const body = trainingOf(namesOf(UNDISTURBED).other, base)
    const { id } = await client.post<{ id: string }>('/v1/trainings', body, 'undisturbed-other')
    await client.follow(`/v1/trainings/${id}`)
    const withOther = await trainingState(stack, UNDISTURBED, file, true)
    return new TrainingPlay(stack, csv, base, expected, withOther)
  }

  get lastName(): string {
    return this.last.prefix
  }

  async attempt({ pairs, prefix, number, delayMs }: Attempt): Promise<Kill[]> {
    const { stack, base } = this
    const client = await stack.client()
    const file = variant(this.csv, number)
    this.last = { prefix, file, withOther: pairs.some(needsOther) }
    const struck: { pair: Pair; struck: Struck }[] = []
    for (const pair of pairs) prepare(stack, pair)
    await runScenario(client, prefix, file, async (point, runId) => {
      for (const pair of pairs.filter(each => each.point === point)) {
        struck.push({ pair, struck: await strike(stack, client, { pair, prefix, delayMs, base }, runId) })
      }
    })
    await Promise.all(struck.map(each => each.struck.other))
    await stack.settled()
    return Promise.all(
      struck.map(async ({ pair: { point }, struck }) => ({
        point,
        pid: struck.pid,
        late: await this.wasLate(point, struck),
      })),
    )
  }

  async differences(): Promise<string[]> {
    const { prefix, file, withOther } = this.last
    const found = await trainingState(this.stack, prefix, file, withOther)
    return differences(withOther ? this.expectedWithOther : this.expected, found)
  }

  /** True when the step that was to be interrupted had ended before the kill. */
  private async wasLate(point: Pair['point'], { at, runId }: Struck): Promise<boolean> {
    const step = point === 'checkpoint' ? 'train' : point === 'evaluate' ? 'evaluate' : undefined
    if (step === undefined) return false
    const rows = await this.stack.query<{ finished_at: Date }>(
      'SELECT finished_at FROM ledger_steps WHERE run_id = $1 AND step = $2',
      [runId, step],
    )
    return rows[0] !== undefined && rows[0].finished_at.getTime() <= at.getTime()
  }
}

/**
 * The same table but for one number in a column that no model sees: another file, another dataset
 * root, other objects, so that nothing of an earlier scenario can stand in for what a kill has lost.
 */
export function variant(csv: string, number: number): string {
  const [header = '', first = '', ...rest] = csv.split('\n')
  const column = header.split(',').indexOf('casual')
  const cells = first.split(',')
  cells[column] = String(1_000 + number)
  return [header, cells.join(','), ...rest].join('\n')
}
