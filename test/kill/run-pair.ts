import { bikeTable, months } from '../../examples/bike-sharing/bike.js'
import type { ComparableState } from '../../domain/check/comparable.js'
import { differences, stateOf } from './compare.js'
import type { Pair } from './points.js'
import { commitDataset, namesOf, runScenario, trainingOf } from './scenario.js'
import { KillStack } from './stack.js'
import { needsOther, prepare, strike, type Struck } from './strike.js'

const BASE = 'base'
const UNDISTURBED = 'undisturbed'
/** A kill that came late, on a busy machine, proves nothing about its point: it is done again. */
const TRIES = 4

export interface Outcome extends Pair {
  readonly outcome: 'equal' | 'different' | 'error'
  readonly seconds: number
  readonly detail: string
}

/** A stack with the state that an undisturbed scenario leaves, to which others are compared. */
export class KillBench {
  private last = { prefix: UNDISTURBED, file: '', withOther: false }

  private constructor(
    readonly stack: KillStack,
    private readonly csv: string,
    private readonly expected: ComparableState,
    private readonly expectedWithOther: ComparableState,
  ) {}

  /** @param pairs what will be run: some need a second training to compare with, most do not */
  static async start(pairs: readonly Pair[]): Promise<KillBench> {
    const csv = months(await bikeTable(), 2011, 1, 10)
    const stack = await KillStack.start()
    try {
      const client = await stack.client()
      const nothing = () => Promise.resolve()
      const file = variant(csv, 0)
      await runScenario(client, UNDISTURBED, file, nothing)
      const expected = await stateOf(stack, UNDISTURBED, file, false)
      if (expected.problems.length > 0) {
        throw new Error(`The undisturbed run itself has problems: ${JSON.stringify(expected.problems)}`)
      }
      if (!pairs.some(needsOther)) return new KillBench(stack, csv, expected, expected)
      await commitDataset(client, BASE, csv, nothing)
      const body = trainingOf(namesOf(UNDISTURBED).other, BASE)
      const { id } = await client.post<{ id: string }>('/v1/trainings', body, 'undisturbed-other')
      await client.follow(`/v1/trainings/${id}`)
      return new KillBench(stack, csv, expected, await stateOf(stack, UNDISTURBED, file, true))
    } catch (error) {
      await stack.stop()
      throw error
    }
  }

  stop(): Promise<void> {
    return this.stack.stop()
  }

  /** Plays the scenario, kills the process at the point, and compares what is there in the end. */
  async run(pair: Pair, serial: number, delayMs = 0): Promise<Outcome> {
    const started = Date.now()
    const end = (outcome: Outcome['outcome'], detail: string): Outcome => ({
      ...pair,
      outcome,
      seconds: Math.round((Date.now() - started) / 100) / 10,
      detail,
    })
    try {
      for (let attempt = 1; ; attempt++) {
        const prefix = `kill-${serial}-${attempt}`
        const file = variant(this.csv, serial * TRIES + attempt)
        const struck = await this.play(pair, prefix, file, delayMs)
        this.last = { prefix, file, withOther: needsOther(pair) }
        const wrong = await this.differences()
        if (wrong.length > 0) return end('different', wrong.join('; '))
        const late = delayMs === 0 && (await this.wasLate(pair, struck))
        if (!late) return end('equal', `killed pid ${struck.pid}, try ${attempt}`)
        if (attempt === TRIES) return end('error', `${TRIES} times the kill came after the point had passed`)
      }
    } catch (error) {
      return end('error', error instanceof Error ? error.message : String(error))
    }
  }

  /** How what the last scenario has left differs from what an undisturbed one leaves. */
  async differences(): Promise<string[]> {
    const { prefix, file, withOther } = this.last
    const found = await stateOf(this.stack, prefix, file, withOther)
    return differences(withOther ? this.expectedWithOther : this.expected, found)
  }

  /** Name of the last scenario's dataset and model. */
  get lastName(): string {
    return this.last.prefix
  }

  private async play(pair: Pair, prefix: string, file: string, delayMs: number): Promise<Struck> {
    const { stack } = this
    const client = await stack.client()
    let struck: Awaited<ReturnType<typeof strike>> | undefined
    prepare(stack, pair)
    await runScenario(client, prefix, file, async (point, runId) => {
      if (point !== pair.point) return
      struck = await strike(stack, client, { pair, prefix, delayMs, base: BASE }, runId)
    })
    if (struck === undefined) throw new Error(`The scenario never came to ${pair.point}.`)
    await struck.other
    await stack.settled()
    return struck
  }

  /** True when the step that was to be interrupted had ended before the kill. */
  private async wasLate({ point }: Pair, { at, runId }: Struck): Promise<boolean> {
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
function variant(csv: string, number: number): string {
  const [header = '', first = '', ...rest] = csv.split('\n')
  const column = header.split(',').indexOf('casual')
  const cells = first.split(',')
  cells[column] = String(1_000 + number)
  return [header, cells.join(','), ...rest].join('\n')
}
