import { bikeHours, monthsOf } from '../../support/bike-hours.js'
import { differences } from '../differences.js'
import type { Attempt, Kill, Play } from '../play.js'
import type { RolloutPoint } from '../points.js'
import type { KillStack } from '../stack.js'
import { playWithKills } from '../strike.js'
import { trainBase } from './base.js'
import { type AtPoint, runRollouts } from './scenario.js'
import { rolloutState, type RolloutState } from './state.js'
import { placeOf } from './strike.js'
import { type Answered, Traffic } from './traffic.js'

const UNDISTURBED = 'undisturbed-rollouts'
const HOURS = monthsOf(bikeHours(), '2011-11', '2012-06').slice(0, 4_500)

/** Rollouts of a deployment that is asked for predictions all the while. */
export class RolloutPlay implements Play {
  private last: { name: string; answers: readonly Answered[] } = { name: UNDISTURBED, answers: [] }
  private expected: RolloutState | undefined

  private constructor(
    private readonly stack: KillStack,
    private readonly refused: string,
  ) {}

  /** @param dataset what the versions are trained on */
  static async start(stack: KillStack, dataset: string): Promise<RolloutPlay> {
    const play = new RolloutPlay(stack, await trainBase(await stack.client(), dataset))
    await play.play(UNDISTURBED, () => Promise.resolve())
    play.expected = await play.state()
    const { lost, doubled, contradicted } = play.expected.answers
    if (lost.count + doubled.count + contradicted.count > 0) {
      throw new Error(`Undisturbed, answers are not as logged: ${JSON.stringify(play.expected.answers)}`)
    }
    return play
  }

  get lastName(): string {
    return this.last.name
  }

  async attempt({ pairs, prefix, delayMs }: Attempt): Promise<Kill[]> {
    const { stack } = this
    const place = (point: RolloutPoint) => placeOf(stack, prefix, point)
    return playWithKills(stack, pairs, delayMs, place, at => this.play(prefix, at))
  }

  async differences(): Promise<string[]> {
    return differences(this.expected, await this.state())
  }

  private state(): Promise<RolloutState> {
    return rolloutState(this.stack, this.last.name, this.last.answers)
  }

  private async play(name: string, at: AtPoint): Promise<void> {
    const { stack, refused } = this
    const client = await stack.client()
    const traffic = new Traffic(await stack.servingClient(), client, name, HOURS)
    this.last = { name, answers: traffic.answers }
    await runRollouts(client, traffic, name, refused, at)
  }
}
