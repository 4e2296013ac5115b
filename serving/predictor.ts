import type { PredictResponse } from '../contracts/rest/predict.js'
import { MlforgeError } from '../domain/errors.js'
import { ProblemList } from '../domain/serving/problem-list.js'
import { fingerprint } from '../domain/serving/row-features.js'
import { draft } from './log/prediction-log.js'
import type { ServedPlan } from './plans/served-plan.js'
import type { FirstAnswer, RecentPredictions, Remembered } from './recent-predictions.js'
import { checkedRows, counted, type Row } from './rows.js'
import { scoreRows } from './scoring.js'
import { type ShadowPorts, Shadows } from './shadows.js'

export interface PredictPorts extends ShadowPorts {
  readonly recent: RecentPredictions
}

/** A row whose id is new, with the entry of the id. */
interface Claimed {
  readonly row: Row
  readonly entry: Remembered
}

/** Answers rows by a plan: check, score, log, answer; then the shadows. */
export class Predictor {
  private readonly shadows: Shadows

  constructor(private readonly ports: PredictPorts) {
    this.shadows = new Shadows(ports)
  }

  /**
   * @param plan the plan in force at the arrival: the request ends with it, whatever comes meanwhile
   * @param version one of the plan's versions, past its split
   * @throws MlforgeError invalid_request, features_invalid, prediction_id_reused, not_found, overloaded, timed_out;
   * then nothing was logged
   */
  async predict(plan: ServedPlan, version: number | undefined, body: unknown): Promise<PredictResponse> {
    const arrival = Date.now()
    const pinned = version === undefined ? undefined : plan.pinned(version)
    const rows = checkedRows(plan, pinned, body, arrival)
    const { pool, recent } = this.ports
    if (!pool.hasRoom(rows.length)) {
      throw new MlforgeError(
        'overloaded',
        `${pool.waiting('answers')} rows wait to be scored, and no more may. Try again soon.`,
      )
    }
    const { fresh, all } = this.claim(plan.content.deployment, rows, version ?? null)
    if (fresh.length > 0) await this.answer(plan, fresh, arrival)
    return response(plan, rows, await recent.answers(all), fresh.length > 0)
  }

  /** Resolves when nothing is at work that no request waits for. */
  idle(): Promise<void> {
    return this.shadows.idle()
  }

  /** Finds the rows whose id is new. In one turn of the event loop, so that an id is claimed once. */
  private claim(
    deployment: string,
    rows: readonly Row[],
    pinned: number | null,
  ): { fresh: Claimed[]; all: Remembered[] } {
    const { recent } = this.ports
    const fresh: Claimed[] = []
    const problems = new ProblemList()
    const all = rows.map((row, index) => {
      const features = fingerprint(row.features, row.loaded.names)
      const known = recent.find(deployment, row.id)
      if (known === undefined) {
        const entry = recent.claim(deployment, row.id, features, pinned)
        fresh.push({ row, entry })
        return entry
      }
      if (known.fingerprint !== features || known.pinned !== pinned) {
        const what = known.fingerprint === features ? 'another version' : 'other features'
        problems.add(
          `rows[${index}].id`,
          `was used before, with ${what}. Give each prediction an id of its own.`,
        )
      }
      return known
    })
    if (problems.total === 0) return { fresh, all }
    this.release(deployment, fresh)
    throw new MlforgeError(
      'prediction_id_reused',
      `${counted(problems.total, 'prediction id was', 'prediction ids were')} used before for something else. ` +
        `Nothing was predicted.${problems.remainder}`,
      { problems: problems.named },
    )
  }

  /** Scores rows, logs them with one write, and only then lets anybody have the answers. */
  private async answer(plan: ServedPlan, fresh: readonly Claimed[], arrival: number): Promise<void> {
    const { pool, predictions, recent, metrics } = this.ports
    const { deployment, revision } = plan.content
    const rows = fresh.map(({ row }) => row)
    let values: Float32Array
    try {
      values = await scoreRows(pool, rows)
    } catch (error) {
      this.release(deployment, fresh)
      throw error
    }
    predictions.append(rows.map((row, i) => draft(deployment, revision, row, values[i]!, arrival)))
    for (const [i, { row, entry }] of fresh.entries()) {
      recent.settle(entry, { version: row.loaded.version, revision, value: values[i]! })
    }
    metrics.countRows(deployment, rows)
    if (plan.mirrors) this.shadows.mirror(plan, rows, arrival)
  }

  private release(deployment: string, claimed: readonly Claimed[]): void {
    for (const { row, entry } of claimed) this.ports.recent.release(deployment, row.id, entry)
  }
}

function response(
  plan: ServedPlan,
  rows: readonly Row[],
  answers: readonly FirstAnswer[],
  isNew: boolean,
): PredictResponse {
  // A request that is nothing but a repetition gets what the first one got.
  const revision = isNew ? plan.revision : Math.max(...answers.map(answer => answer.revision))
  return {
    deployment: plan.content.deployment,
    revision,
    predictions: answers.map(({ version, value }, i) => ({ id: rows[i]!.id, version, value })),
  }
}
