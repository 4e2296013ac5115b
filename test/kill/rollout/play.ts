import { differences } from '../differences.js'
import type { Attempt, Kill, Play } from '../play.js'
import type { KillStack } from '../stack.js'
import { trainBase } from './base.js'
import { type AtPoint, runRollouts } from './scenario.js'
import { rolloutState, type RolloutState } from './state.js'
import { strike } from './strike.js'
import { type Answered, Traffic } from './traffic.js'

const UNDISTURBED = 'undisturbed-rollouts'

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
    const kills: Awaited<ReturnType<typeof strike>>[] = []
    await this.play(prefix, async point => {
      for (const { process } of pairs.filter(each => each.point === point)) {
        kills.push(await strike(stack, prefix, point, process, delayMs))
      }
    })
    await stack.settled()
    return Promise.all(kills.map(async kill => ({ ...kill, late: await kill.late() })))
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
    const traffic = new Traffic(await stack.servingClient(), client, name)
    this.last = { name, answers: traffic.answers }
    await runRollouts(client, traffic, name, refused, at)
  }
}
