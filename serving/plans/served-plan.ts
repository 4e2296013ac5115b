import { MlforgeError } from '../../domain/errors.js'
import type { ModelSignature } from '../../domain/models/signature.js'
import { chooseArm, isMirrored } from '../../domain/routing/choose-arm.js'
import { stableArm } from '../../domain/routing/plan.js'
import { validatePlan } from '../../domain/routing/validate-plan.js'
import type { PredictionRecord } from '../../domain/serving/prediction-record.js'
import type { ServedVersion } from '../../domain/serving/served-version.js'
import type { Replay } from '../../domain/transformations/replay.js'
import type { SessionSpec } from '../../inference/session-messages.js'
import type { PlanInForce } from '../../stores/postgres/deployment-store.js'

/** A version that is loaded. */
export interface LoadedVersion {
  readonly version: number
  readonly signature: ModelSignature
  /** What makes its features of what callers give; null where they give the features. */
  readonly replay: Replay | null
  /** Names of its features in alphabetical order. */
  readonly names: readonly string[]
  /** Name of its session. */
  readonly session: string
}

export interface Choice {
  readonly loaded: LoadedVersion
  readonly role: PredictionRecord['role']
}

/** A plan whose models are all loaded: requests that begin with it finish with it. */
export class ServedPlan {
  private readonly versions: ReadonlyMap<number, LoadedVersion>

  /** @param replays of the versions that have one */
  constructor(
    readonly content: PlanInForce,
    replays: ReadonlyMap<number, Replay>,
  ) {
    this.versions = new Map(
      content.versions.map(served => [
        served.version,
        {
          version: served.version,
          signature: served.signature,
          replay: replays.get(served.version) ?? null,
          names: served.signature.features.map(({ name }) => name).toSorted(),
          session: sessionOf(served),
        },
      ]),
    )
  }

  get revision(): number {
    return this.content.revision
  }

  /** The version that answers rows with this key. */
  choose(key: string): Choice {
    const { version, role } = chooseArm(this.content.plan, key)
    return { loaded: this.versions.get(version)!, role }
  }

  /** What a row without a usable key is judged by. */
  stable(): Choice {
    return { loaded: this.versions.get(stableArm(this.content.plan)!.version)!, role: 'stable' }
  }

  /** Versions that score rows with this key too, and answer none. */
  shadows(key: string): LoadedVersion[] {
    const { plan } = this.content
    return plan.arms.flatMap(arm =>
      arm.role === 'shadow' && isMirrored(plan, arm, key) ? [this.versions.get(arm.version)!] : [],
    )
  }

  get mirrors(): boolean {
    return this.content.plan.arms.some(arm => arm.role === 'shadow')
  }

  /** @throws MlforgeError not_found for a version that is not part of the plan */
  pinned(version: number): Choice {
    const loaded = this.versions.get(version)
    if (loaded) return { loaded, role: 'pinned' }
    const known = [...this.versions.keys()].join(', ')
    throw new MlforgeError(
      'not_found',
      `Version ${version} is not in the plan of deployment "${this.content.deployment}"; these are: ${known}.`,
    )
  }
}

/** Name of the session of a version: the same bytes are loaded once. */
function sessionOf({ onnx, signature }: ServedVersion): string {
  return `${onnx.sha256}/${signature.features.length}`
}

/** The sessions that a plan needs. */
export function sessionsOf(plan: PlanInForce, fileOf: (sha256: string) => string): SessionSpec[] {
  return plan.versions.map(served => ({
    key: sessionOf(served),
    file: fileOf(served.onnx.sha256),
    columns: served.signature.features.length,
  }))
}

/** Why a plan cannot be served, whatever its models are; undefined where it can. */
export function planProblem({ plan, versions }: PlanInForce): string | undefined {
  const [problem] = validatePlan(plan)
  if (problem) return `The plan is not valid: ${problem.at} ${problem.message}`
  const missing = plan.arms.find(arm => !versions.some(served => served.version === arm.version))
  return missing && `The plan names version ${missing.version} and does not say where its model is.`
}
