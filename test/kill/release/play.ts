import { differences } from '../differences.js'
import type { GateName } from '../gates.js'
import type { Attempt, Kill, Play } from '../play.js'
import { POINT_TITLES, type ReleasePoint } from '../points.js'
import type { KillStack } from '../stack.js'
import { type Place, playWithKills, rowAppears, waitFor, type WasLate } from '../strike.js'
import { type AtPoint, runRelease } from './scenario.js'

const UNDISTURBED = 'undisturbed-release'

/** Where worker-io is held, after the commit of a step. */
const GATES: Readonly<Partial<Record<ReleasePoint, GateName>>> = {
  checked: 'good',
  championed: 'champion',
  planned: 'plan-1',
  undone: 'champion:compensate',
}

/** A release by a pipeline, and its roll back. */
export class ReleasePlay implements Play {
  private last = UNDISTURBED
  private expected: unknown

  private constructor(
    private readonly stack: KillStack,
    private readonly dataset: string,
  ) {}

  /** @param dataset what is trained on */
  static async start(stack: KillStack, dataset: string): Promise<ReleasePlay> {
    const play = new ReleasePlay(stack, dataset)
    await play.play(UNDISTURBED, () => Promise.resolve())
    play.expected = await play.state()
    return play
  }

  get lastName(): string {
    return this.last
  }

  async attempt({ pairs, prefix, delayMs }: Attempt): Promise<Kill[]> {
    const { stack } = this
    const place = (point: ReleasePoint) => placeOf(stack, prefix, point)
    return playWithKills(stack, pairs, delayMs, place, at => this.play(prefix, at))
  }

  async differences(): Promise<string[]> {
    return differences(this.expected, await this.state())
  }

  private async play(name: string, at: AtPoint): Promise<void> {
    this.last = name
    await runRelease(await this.stack.client(), name, this.dataset, at)
  }

  /** What `mlforge check` says of all that has the release's name. */
  private async state(): Promise<unknown> {
    const { comparable } = await this.stack.check()
    const named = <T extends { name: string }>(items: readonly T[]) =>
      items.filter(({ name }) => name === this.last)
    const mine = {
      models: named(comparable.models),
      deployments: named(comparable.deployments),
      runs: named(comparable.runs),
      effects: named(comparable.effects),
      problems: comparable.problems,
    }
    return JSON.parse(JSON.stringify(mine).replaceAll(this.last, '<name>')) as unknown
  }
}

function placeOf(stack: KillStack, name: string, point: ReleasePoint): Place {
  const gate = GATES[point]
  return { gate, reached: () => reached(stack, name, point, gate) }
}

async function reached(
  stack: KillStack,
  name: string,
  point: ReleasePoint,
  gate: GateName | undefined,
): Promise<WasLate> {
  if (gate !== undefined) await waitFor(() => stack.gates.isReached(gate), POINT_TITLES[point])
  if (point !== 'learning') return () => false
  const { id } = await rowAppears<{ id: string }>(
    stack,
    `SELECT r.id FROM checkpoints c JOIN runs r ON r.id = c.run_id WHERE r.kind = 'training' AND r.name = $1`,
    [name],
  )
  return async at => {
    const [row] = await stack.query<{ finished_at: Date }>(
      `SELECT finished_at FROM ledger_steps WHERE run_id = $1 AND step = 'train'`,
      [id],
    )
    return row !== undefined && row.finished_at.getTime() <= at.getTime()
  }
}
