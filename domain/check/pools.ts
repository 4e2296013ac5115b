import { isOpen } from '../runs/run-status.js'
import type { CheckProblem, StackFacts } from './facts.js'

/** Rows of pools, as a check reads them. */
export interface PoolFacts {
  readonly pools: readonly {
    readonly project: string
    readonly name: string
    readonly slots: number
    readonly updatedAt: Date
  }[]
  readonly poolClaims: readonly {
    readonly project: string
    readonly pool: string
    readonly runId: string
    readonly step: string
    readonly generation: number
    readonly slots: number
    readonly grantedAt: Date | null
  }[]
}

/**
 * No pool has granted more slots than it has, and nothing that is over has any or waits for them. What was held
 * when a pool was made smaller stays held: only a grant after that counts.
 */
export function checkPools(facts: StackFacts): CheckProblem[] {
  const runs = new Map(facts.runs.map(run => [run.id, run]))
  const finished = new Set(
    facts.ledger.map(({ runId, step, generation }) => `${runId}/${step}/g${generation}`),
  )
  const pools = new Set(facts.pools.map(({ project, name }) => `${project}/${name}`))
  const problems: CheckProblem[] = []
  for (const { project, pool, runId, step, generation } of facts.poolClaims) {
    const run = runs.get(runId)
    const at = `${runId}/${step}/g${generation}`
    const why =
      run === undefined
        ? 'a run that does not exist'
        : !isOpen(run.status)
          ? `a run that is ${run.status}`
          : finished.has(at)
            ? 'a step that is finished'
            : null
    if (why !== null) {
      const message = `Slots of pool "${pool}" are held or waited for by ${why}. Reconcile gives them back within some minutes: is worker-io running?`
      problems.push({ code: 'claim_left', at, message })
    }
    if (pools.has(`${project}/${pool}`)) continue
    const message = `It claims slots of pool "${pool}", which does not exist. Make it by PUT /v1/pools/${pool}.`
    problems.push({ code: 'claim_without_pool', at, message })
  }
  for (const { project, name, slots, updatedAt } of facts.pools) {
    const held = facts.poolClaims.filter(
      claim => claim.project === project && claim.pool === name && claim.grantedAt !== null,
    )
    const sum = held.reduce((all, claim) => all + claim.slots, 0)
    if (sum <= slots || held.every(({ grantedAt }) => grantedAt! <= updatedAt)) continue
    const message = `${sum} slots are held of ${slots}, and one was granted since the pool was changed last. It was changed by hand, or this is a bug of MLForge: report it.`
    problems.push({ code: 'pool_exceeded', at: `${project}/${name}`, message })
  }
  return problems
}
