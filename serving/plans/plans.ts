import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Logger } from 'pino'
import type { Json } from '../../domain/canonical-json.js'
import { MlforgeError } from '../../domain/errors.js'
import { replayFor } from '../../domain/models/replayed.js'
import { didYouMean } from '../../domain/suggest.js'
import { readFitted } from '../../domain/transformations/read-fitted.js'
import type { Replay } from '../../domain/transformations/replay.js'
import type { SessionSpec } from '../../inference/session-messages.js'
import type { SessionPool } from '../../inference/session-pool.js'
import type { PlanInForce } from '../../stores/postgres/deployment-store.js'
import { readJson, writeDurably } from '../files.js'
import { ModelFiles } from './model-files.js'
import { planProblem, ServedPlan, sessionsOf } from './served-plan.js'
import type { ObjectStore } from '../../stores/objects/object-store.js'

/** A session that no plan needs is kept for this long, beyond what requests may still take. */
const KEEP_MS = 60_000
const RETRY_MS = 5_000

/** What a replica says about one deployment. */
export interface PlanStatus {
  readonly deploymentId: string
  readonly deployment: string
  /** Revision that answers, 0 for none. */
  readonly revision: number
  /** Why a newer one does not. */
  readonly problem: string | null
}

/** The plans that this replica answers by, kept on disk with their models, so that it can start alone. */
export class Plans {
  private readonly served = new Map<string, ServedPlan>()
  private readonly refused = new Map<string, { plan: PlanInForce; problem: string; at: number }>()
  /** Loaded sessions, and when a plan last needed each. */
  private readonly sessions = new Map<string, { spec: SessionSpec; neededAt: number }>()
  private readonly models: ModelFiles
  private readonly file: string
  private readonly fileOf = (sha256: string): string => this.models.path(sha256, '.onnx')

  constructor(
    directory: string,
    objects: ObjectStore,
    private readonly pool: SessionPool,
    private readonly log: Logger,
    /** How long a request may go on with a plan that was replaced. */
    private readonly deadlineSeconds: number,
  ) {
    this.models = new ModelFiles(join(directory, 'models'), objects)
    this.file = join(directory, 'plans.json')
  }

  /** Takes the plans of the last process up again; false when it had none. */
  async restore(): Promise<boolean> {
    const plans = await readJson<PlanInForce[]>(this.file)
    if (plans === undefined) return false
    await this.take(plans)
    return true
  }

  /** @throws MlforgeError not_found, or unavailable for a deployment whose plan could not be taken yet */
  get(deployment: string): ServedPlan {
    const served = this.served.get(deployment)
    if (served) return served
    const refused = [...this.refused.values()].find(({ plan }) => plan.deployment === deployment)
    if (refused) {
      throw new MlforgeError(
        'unavailable',
        `This replica cannot answer for deployment "${deployment}" yet: ${refused.problem}`,
      )
    }
    throw new MlforgeError(
      'not_found',
      `There is no deployment "${deployment}" with traffic.${didYouMean(deployment, [...this.served.keys()])} ` +
        'A deployment answers from its first rollout on.',
    )
  }

  has(deployment: string): boolean {
    return this.served.has(deployment)
  }

  status(): PlanStatus[] {
    const served = [...this.served.values()].map(({ content }) => content)
    const waiting = [...this.refused.values()].map(({ plan }) => plan)
    const all = new Map([...waiting, ...served].map(plan => [plan.deploymentId, plan.deployment]))
    return [...all].map(([deploymentId, deployment]) => ({
      deploymentId,
      deployment,
      revision: this.served.get(deployment)?.revision ?? 0,
      problem: this.refused.get(deploymentId)?.problem ?? null,
    }))
  }

  /** Whether these revisions, by deployment id, ask for something that was not taken, or failed a while ago. */
  differFrom(revisions: ReadonlyMap<string, number>): boolean {
    const now = Date.now()
    const served = new Map([...this.served.values()].map(({ content }) => [content.deploymentId, content]))
    return [...revisions].some(([id, revision]) => {
      if (served.get(id)?.revision === revision) return this.refused.has(id)
      const refused = this.refused.get(id)
      return refused?.plan.revision !== revision || now - refused.at > RETRY_MS
    })
  }

  /**
   * Takes plans into force, each whole: all its models on disk, loaded and run once, and only then the
   * swap. One that cannot be taken leaves the one before at work.
   */
  async take(plans: readonly PlanInForce[]): Promise<void> {
    const changed = plans.filter(plan => this.served.get(plan.deployment)?.revision !== plan.revision)
    const problems = new Map<PlanInForce, string>()
    const fetched = new Map<PlanInForce, ServedPlan>()
    for (const plan of changed) {
      const problem = planProblem(plan)
      const found = problem ?? (await this.fetch(plan))
      if (typeof found === 'string') problems.set(plan, found)
      else fetched.set(plan, found)
    }
    const sound = changed.filter(plan => !problems.has(plan))
    for (const [plan, problem] of await this.load(sound)) problems.set(plan, problem)
    const taken = sound.filter(plan => !problems.has(plan))
    if (taken.length > 0) await this.keep(taken)
    for (const plan of plans) this.refused.delete(plan.deploymentId)
    for (const plan of taken) {
      this.served.set(plan.deployment, fetched.get(plan)!)
      this.log.info({ deployment: plan.deployment, revision: plan.revision }, 'answers by a new plan')
    }
    for (const [plan, problem] of problems) {
      this.refused.set(plan.deploymentId, { plan, problem, at: Date.now() })
      const { deployment, revision } = plan
      this.log.error({ deployment, revision, problem }, 'a plan cannot be taken; the one before goes on')
    }
  }

  /** Closes sessions that no plan has needed for a while, and removes their files. */
  async tidy(): Promise<void> {
    const now = Date.now()
    for (const { content } of this.served.values()) {
      for (const { key } of sessionsOf(content, this.fileOf)) {
        const session = this.sessions.get(key)
        if (session) session.neededAt = now
      }
    }
    const keepMs = KEEP_MS + this.deadlineSeconds * 1000
    const idle = [...this.sessions].filter(([, { neededAt }]) => now - neededAt > keepMs)
    if (idle.length === 0) return
    for (const [key] of idle) this.sessions.delete(key)
    await this.pool.use([...this.sessions.values()].map(({ spec }) => spec))
    const transformations = [...this.served.values()].flatMap(({ content }) =>
      content.versions.flatMap(({ transformation }) => transformation?.sha256 ?? []),
    )
    const models = [...this.sessions.keys()].map(key => key.split('/')[0]!)
    await this.models.keepOnly(new Set([...models, ...transformations]))
  }

  /** Has its models here, and reads its transformations; answers why it cannot. */
  private async fetch(plan: PlanInForce): Promise<ServedPlan | string> {
    const replays = new Map<number, Replay>()
    try {
      for (const { version, signature, onnx, transformation } of plan.versions) {
        await this.models.ensure(onnx, '.onnx')
        if (transformation === undefined && signature.transformation === undefined) continue
        if (transformation === undefined || signature.transformation === undefined) {
          return `version ${version} has no state of its transformation`
        }
        await this.models.ensure(transformation, '.json')
        const state = await readFile(this.models.path(transformation.sha256, '.json'), 'utf8')
        const fitted = readFitted(JSON.parse(state) as Json)
        replays.set(version, replayFor(signature.transformation, fitted, signature).replay)
      }
      return new ServedPlan(plan, replays)
    } catch (error) {
      return error instanceof Error ? error.message : String(error)
    }
  }

  /** Loads what these plans need beyond what is loaded; answers which plans cannot be served, and why. */
  private async load(plans: readonly PlanInForce[]): Promise<Map<PlanInForce, string>> {
    const wanted = new Map(plans.flatMap(plan => sessionsOf(plan, this.fileOf)).map(spec => [spec.key, spec]))
    const fresh = [...wanted.values()].filter(({ key }) => !this.sessions.has(key))
    const problems = new Map<PlanInForce, string>()
    if (fresh.length === 0) return problems
    const loaded = [...this.sessions.values()].map(({ spec }) => spec)
    const failed = await this.pool.use([...loaded, ...fresh]).catch((error: unknown) => {
      // No thread could be started at all, as where memory is short.
      return new Map(fresh.map(({ key }) => [key, String(error)]))
    })
    const neededAt = Date.now()
    for (const spec of fresh) if (!failed.has(spec.key)) this.sessions.set(spec.key, { spec, neededAt })
    for (const plan of plans) {
      const bad = sessionsOf(plan, this.fileOf).find(({ key }) => failed.has(key))
      if (bad) problems.set(plan, failed.get(bad.key)!)
    }
    return problems
  }

  /** Before they answer: who is told that a replica has a plan may rely on it after any restart. */
  private async keep(taken: readonly PlanInForce[]): Promise<void> {
    const plans = new Map([...this.served].map(([name, { content }]) => [name, content]))
    for (const plan of taken) plans.set(plan.deployment, plan)
    try {
      await writeDurably(this.file, JSON.stringify([...plans.values()]))
    } catch (error) {
      this.log.error({ err: error }, 'the plans cannot be kept on disk; a restart will ask for them again')
    }
  }
}
