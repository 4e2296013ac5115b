import 'reflect-metadata'
import { LedgerStore, type Effect, type StepRef } from '../../stores/postgres/ledger-store.js'
import type { Fence } from '../../stores/postgres/leases.js'
import { Gates } from './gates.js'

// The worker of the product, started from its own main, with two doors in one of its ports: before the
// transaction that makes a dataset version visible (its objects are written), and after the one that
// has registered a model version (Temporal has no answer yet).
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
  if (ref.step === 'register') await gates.pass('register')
  return outcome
}

await import('../../worker/main.js')
