import 'reflect-metadata'
import { isIncidentOpen } from '../../domain/incidents/incident-status.js'
import { IncidentStore } from '../../stores/postgres/incident-store.js'
import { LedgerStore, type Effect, type StepRef } from '../../stores/postgres/ledger-store.js'
import type { Fence } from '../../stores/postgres/leases.js'
import { RunStore } from '../../stores/postgres/run-store.js'
import { type GateName, Gates } from './gates.js'

// The worker of the product, started from its own main, with doors in its ports: before the transaction
// that makes a dataset version visible (its objects are written), and after those that have registered a
// model version, issued the first plan of a rollout, moved an alias, committed the set of a retraining
// (Temporal has no answer yet), or done some steps of a pipeline.
const AFTER: readonly string[] = [
  'register',
  'plan-1',
  'promote',
  'set-1',
  'good',
  'champion',
  'champion:compensate',
] satisfies GateName[]
const gates = new Gates(process.env['MLFORGE_STATE_DIRECTORY']!)
const real = {
  finish: LedgerStore.prototype.finish,
  accept: RunStore.prototype.accept,
  resume: IncidentStore.prototype.resume,
  record: IncidentStore.prototype.record,
}

LedgerStore.prototype.finish = async function finish<T extends object>(
  this: LedgerStore,
  ref: StepRef,
  fence: Fence,
  effect: Effect<T>,
): Promise<T> {
  if (ref.step === 'commit') await gates.pass('commit')
  const outcome = (await real.finish.call(this, ref, fence, effect as Effect<object>)) as T
  if (AFTER.includes(ref.step)) await gates.pass(ref.step as GateName)
  return outcome
}

// An incident takes its training on, and then its rollout: after the one, and before the other.
RunStore.prototype.accept = async function accept(this: RunStore, request) {
  const isOfIncident = request.trigger === 'incident'
  if (isOfIncident && request.kind === 'rollout') await gates.pass('rollout')
  const accepted = await real.accept.call(this, request)
  if (isOfIncident && request.kind === 'training') await gates.pass('accepted')
  return accepted
}

// An incident that was opened has done nothing yet; one that was closed has a run to be ended.
IncidentStore.prototype.resume = async function resume(this: IncidentStore, id) {
  await gates.pass('opened')
  return real.resume.call(this, id)
}

IncidentStore.prototype.record = async function record(this: IncidentStore, run, incident) {
  await real.record.call(this, run, incident)
  if (!isIncidentOpen(incident.state.status)) await gates.pass('closed')
}

await import('../../worker/main.js')
