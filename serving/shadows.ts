import { MlforgeError } from '../domain/errors.js'
import { ProblemList } from '../domain/serving/problem-list.js'
import type { SessionPool } from '../inference/session-pool.js'
import { draft, type PredictionLog } from './log/prediction-log.js'
import type { Metrics } from './metrics.js'
import type { LoadedVersion, ServedPlan } from './plans/served-plan.js'
import { featuresOf, type Row } from './rows.js'
import { scoreBy } from './scoring.js'

export interface ShadowPorts {
  readonly pool: SessionPool
  readonly predictions: PredictionLog
  readonly metrics: Metrics
}

/** Lets shadows score rows that were answered; whatever goes wrong with them, the answers stand. */
export class Shadows {
  private readonly running = new Set<Promise<void>>()

  constructor(private readonly ports: ShadowPorts) {}

  mirror(plan: ServedPlan, rows: readonly Row[], arrival: number): void {
    const rowsOf = new Map<LoadedVersion, Row[]>()
    for (const row of rows) {
      if (row.role === 'pinned') continue
      for (const shadow of plan.shadows(row.key)) {
        const known = rowsOf.get(shadow)
        if (known) known.push(row)
        else rowsOf.set(shadow, [row])
      }
    }
    for (const [shadow, mirrored] of rowsOf) {
      const work = this.score(plan, shadow, mirrored, arrival).finally(() => this.running.delete(work))
      this.running.add(work)
    }
  }

  /** Resolves when none is at work. */
  async idle(): Promise<void> {
    while (this.running.size > 0) await Promise.all(this.running)
  }

  private async score(
    plan: ServedPlan,
    shadow: LoadedVersion,
    rows: readonly Row[],
    arrival: number,
  ): Promise<void> {
    const { pool, predictions, metrics } = this.ports
    const { deployment, revision } = plan.content
    try {
      const able = rows.flatMap(row => seenBy(shadow, row) ?? [])
      if (!pool.hasRoom(rows.length, 'background'))
        throw new MlforgeError('overloaded', 'Too many rows wait.')
      const values = able.length === 0 ? [] : await scoreBy(pool, shadow, able, 'background')
      const by = { loaded: shadow, role: 'shadow' as const }
      predictions.append(
        able.map((row, i) => draft(deployment, revision, { ...row, ...by }, values[i]!, arrival)),
      )
      metrics.countShadows(deployment, shadow.version, able.length, rows.length - able.length)
    } catch {
      metrics.countShadows(deployment, shadow.version, 0, rows.length)
    }
  }
}

/** A row as a shadow sees it, whose signature may differ from that it was checked for; undefined where it cannot. */
function seenBy(shadow: LoadedVersion, row: Row): Row | undefined {
  if (shadow.replay !== null || row.loaded.replay !== null) {
    const features = featuresOf(shadow, row.given, 0, new ProblemList())
    return features && { ...row, features }
  }
  return shadow.signature.features.every(({ name }) => Object.hasOwn(row.features, name)) ? row : undefined
}
