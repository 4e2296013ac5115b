import 'reflect-metadata'
import { LedgerStore, type Effect, type StepRef } from '../../stores/postgres/ledger-store.js'
import type { Fence } from '../../stores/postgres/leases.js'
import { type GateName, Gates } from './gates.js'

// The worker of the product, started from its own main, with doors in one of its ports: before the
// transaction that makes a dataset version visible (its objects are written), and after those that have
// registered a model version, issued the first plan of a rollout, moved an alias (Temporal has no answer yet).
const AFTER: readonly string[] = ['register', 'plan-1', 'promote'] satisfies GateName[]
const gates = new Gates(process.env['MLFORGE_STATE_DIRECTORY']!)
const real = LedgerStore.prototype.finish

LedgerStore.prototype.finish = async function finish<T extends object>(
  this: LedgerStore,
  ref: StepRef,
  fence: Fence,
  effect: Effect<T>,
): Promise<T> {
  if (ref.step === 'commit') await gates.pass('commit')
  const outcome = (await real.call(this, ref, fence, effect as Effect<object>)) as T
  if (AFTER.includes(ref.step)) await gates.pass(ref.step as GateName)
  return outcome
}

await import('../../worker/main.js')
