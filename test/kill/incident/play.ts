import { eventually } from '../../support/eventually.js'
import { differences } from '../differences.js'
import type { Attempt, Kill, Play } from '../play.js'
import type { IncidentPoint } from '../points.js'
import { type Answered, Traffic } from '../rollout/traffic.js'
import type { KillStack } from '../stack.js'
import { playWithKills } from '../strike.js'
import { variant } from '../training/play.js'
import { type AtPoint, HOURS, runIncident, WINDOWS } from './scenario.js'
import { type FinalState, incidentState } from './state.js'
import { placeOf } from './strike.js'

const UNDISTURBED = 'undisturbed-incident'
const CHECKS_MS = 60_000

/** Drift -> an incident -> a retraining -> its rollout -> the incident's end. */
export class IncidentPlay implements Play {
  private last: { name: string; file: string; answers: readonly Answered[] } | undefined
  private expected: FinalState | undefined

  private constructor(
    private readonly stack: KillStack,
    private readonly csv: string,
  ) {}

  static async start(stack: KillStack, csv: string): Promise<IncidentPlay> {
    const play = new IncidentPlay(stack, csv)
    // Numbers of attempts are larger; the training's undisturbed play has 0.
    await play.play(UNDISTURBED, 1, () => Promise.resolve())
    play.expected = await play.state()
    return play
  }

  get lastName(): string {
    return this.last!.name
  }

  async attempt({ pairs, prefix, number, delayMs }: Attempt): Promise<Kill[]> {
    const { stack } = this
    const place = (point: IncidentPoint) => placeOf(stack, prefix, point)
    return playWithKills(stack, pairs, delayMs, place, at => this.play(prefix, number, at))
  }

  async differences(): Promise<string[]> {
    return differences(this.expected, await this.state())
  }

  private state(): Promise<FinalState> {
    const { name, file, answers } = this.last!
    return incidentState(this.stack, name, file, answers)
  }

  private async play(name: string, number: number, at: AtPoint): Promise<void> {
    const { stack } = this
    const client = await stack.client()
    const file = variant(this.csv, number)
    const traffic = new Traffic(await stack.servingClient(), client, name, HOURS)
    this.last = { name, file, answers: traffic.answers }
    await runIncident(client, traffic, name, file, at)
    // A window may be looked at again when the incident has seen enough.
    await eventually(() => this.checksHaveEnded(name), { deadlineMs: CHECKS_MS })
  }

  private async checksHaveEnded(name: string): Promise<void> {
    const [found] = await this.stack.query<{ windows: number; open: number }>(
      `SELECT (SELECT count(DISTINCT window_id)::int FROM drift_windows w WHERE w.deployment_id = d.id) AS windows,
         (SELECT count(*)::int FROM runs WHERE runs.name = d.name AND runs.kind = 'drift'
            AND (status IN ('accepted', 'running') OR next_attempt_at IS NOT NULL)) AS open
       FROM deployments d WHERE d.name = $1`,
      [name],
    )
    if (found?.windows === WINDOWS && found.open === 0) return
    throw new Error(`Of ${WINDOWS} windows ${found?.windows} are assessed, with ${found?.open} checks open.`)
  }
}
