import { bikeTable, months } from '../../examples/bike-sharing/bike.js'
import { IncidentPlay } from './incident/play.js'
import type { Play } from './play.js'
import { type Pair, replicasFor, type ScenarioName } from './points.js'
import { ReleasePlay } from './release/play.js'
import { RolloutPlay } from './rollout/play.js'
import { KillStack } from './stack.js'
import { TrainingPlay } from './training/play.js'
import { timed } from './timed.js'
import { commitDataset } from './training/scenario.js'

const BASE = 'base'
/** A kill that came late, on a busy machine, proves nothing about its point: it is done again. */
const MOST_TRIES = 4

export interface Ending {
  /** Late: all is equal, but a kill came after its point had passed. */
  readonly outcome: 'equal' | 'late' | 'different' | 'error'
  readonly seconds: number
  readonly detail: string
}

/** A stack with the state that undisturbed scenarios leave, to which others are compared. */
export class KillBench {
  private constructor(
    readonly stack: KillStack,
    private readonly plays: Readonly<Partial<Record<ScenarioName, Play>>>,
  ) {}

  /** @param pairs what will be run: only their scenarios are prepared */
  static async start(pairs: readonly Pair[]): Promise<KillBench> {
    const csv = months(await bikeTable(), 2011, 1, 10)
    const stack = await KillStack.start()
    try {
      const wants = (name: ScenarioName) => pairs.some(({ scenario }) => scenario === name)
      await commitDataset(await stack.client(), BASE, csv, () => Promise.resolve())
      const plays = {
        ...(wants('training') ? { training: await TrainingPlay.start(stack, csv, BASE, pairs) } : {}),
        ...(wants('rollout') ? { rollout: await RolloutPlay.start(stack, BASE) } : {}),
        ...(wants('incident') ? { incident: await IncidentPlay.start(stack, csv) } : {}),
        ...(wants('release') ? { release: await ReleasePlay.start(stack, BASE) } : {}),
      }
      const { comparable } = await stack.check()
      if (comparable.problems.length > 0) {
        throw new Error(`The undisturbed run itself has problems: ${JSON.stringify(comparable.problems)}`)
      }
      return new KillBench(stack, plays)
    } catch (error) {
      await stack.stop()
      throw error
    }
  }

  stop(): Promise<void> {
    return this.stack.stop()
  }

  /**
   * Plays the pairs' scenario, kills each process at its point, and compares what is there in the end.
   * @param tries how often it is played until no kill is late, four times at most
   */
  run(
    pairs: readonly Pair[],
    serial: number,
    { delayMs = 0, tries = MOST_TRIES }: { readonly delayMs?: number; readonly tries?: number } = {},
  ): Promise<Ending> {
    return timed(async () => {
      const play = this.play(pairs[0]!.scenario)
      await this.stack.scale(replicasFor(pairs))
      for (let attempt = 1; ; attempt++) {
        const prefix = `kill-${serial}-${attempt}`
        const kills = await play.attempt({ pairs, prefix, number: serial * MOST_TRIES + attempt, delayMs })
        const missed = pairs.filter(({ point }) => !kills.some(each => each.point === point))
        if (missed.length > 0) throw new Error(`The scenario never came to ${missed[0]!.point}.`)
        const wrong = await play.differences()
        if (wrong.length > 0) return { outcome: 'different', detail: wrong.join('; ') }
        const late = delayMs === 0 ? kills.filter(each => each.late).map(({ point }) => point) : []
        const pids = kills.map(({ pid }) => pid).join(', ')
        if (late.length === 0) return { outcome: 'equal', detail: `killed pid ${pids}, try ${attempt}` }
        if (attempt < tries) continue
        return { outcome: 'late', detail: `kills at ${late.join(', ')} came after it, try ${attempt}` }
      }
    })
  }

  play(scenario: ScenarioName): Play {
    const play = this.plays[scenario]
    if (play === undefined) throw new Error(`The scenario ${scenario} was not prepared.`)
    return play
  }
}
