import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { toEnvironment } from '../../config/load.js'
import { checkStack } from '../../infra/launcher/check.js'
import { type Answer as Answered, TestApi } from '../api/support/api.js'
import { pipelineCalls } from '../api/support/pipeline-calls.js'
import { page } from '../docs/pages.js'
import { eventually } from '../support/eventually.js'
import { Harness } from '../support/harness.js'
import { Receiver } from '../support/receiver.js'
import { relayOnce, RUN_STATES, type RunState } from './verb-states.js'
import { ANSWERS, expected, isRunVerb, nextVerb, RUN_VERBS, SAID, TAKEN, type Verb } from './verb-table.js'

const NOWHERE = { MLFORGE_TEMPORAL_ADDRESS: '127.0.0.1:1' }
/** More than any state needs to come to success. */
const MOST_VERBS = 12
const VERBS: readonly Verb[] = [...RUN_VERBS, ...ANSWERS]

/** Verbs of a run, in the order in which they are sent, each once or twice. */
function order(seed: number, { status, gate }: RunState, taken: Verb): { refused: Verb[]; rest: Verb[] } {
  const isTaken = (verb: Verb) => expected(status, verb, gate?.kind ?? null) === 'taken'
  const [some, others, twice] = fc.sample(
    fc.tuple(
      fc.shuffledSubarray([...VERBS], { minLength: VERBS.length }),
      fc.shuffledSubarray([...VERBS], { minLength: 3, maxLength: 5 }),
      fc.array(fc.boolean(), { minLength: 14, maxLength: 14 }),
    ),
    { seed, numRuns: 1 },
  )[0]!
  const again = (verbs: Verb[]) => verbs.flatMap((verb, at) => (twice[at] ? [verb, verb] : [verb]))
  return { refused: again(some.filter(verb => !isTaken(verb))), rest: [taken, taken, ...again(others)] }
}

describe('verbs', () => {
  let harness: Harness
  let api: TestApi
  let away: TestApi
  beforeAll(async () => {
    harness = await Harness.start({
      relay: false,
      env: { MLFORGE_ROLLOUTS_LOOK_EVERY_SECONDS: '0.2' },
    })
    api = await TestApi.beside(harness)
    away = await api.restart({ ...toEnvironment(harness.config), ...NOWHERE })
  })
  afterAll(async () => {
    await away?.stop()
    await api?.stop()
    await harness?.stop()
  })

  const { get, verb: post } = pipelineCalls(() => api)

  async function send(id: string, verb: Verb, step: string): Promise<Answered> {
    if (!isRunVerb(verb)) return post(id, `steps/${step}/${verb}`, {})
    if (verb === 'reset') return post(id, verb, { steps: ['up'] })
    return post(id, verb, verb === 'pause' || verb === 'rollback' ? {} : undefined)
  }

  /** An answer as the table has them. */
  function shown({ status, body }: Answered): string {
    const { code } = body as { code?: string }
    return status < 300 ? 'taken' : `${code}`
  }

  /** Brings a run to its end by the verbs of its state, and by nothing else. @returns the verbs it took */
  async function finish(id: string, receiver: Receiver): Promise<string[]> {
    const sent: string[] = []
    receiver.release()
    await eventually(async () => {
      const run = await get(id)
      const next = nextVerb(run)
      if (next === 'succeeded') return
      if (next === 'wait') {
        await relayOnce(harness)
        const child = run.steps.find(({ state, child: by }) => state === 'running' && by !== null)?.child
        if (child) await answerWithin(child)
        throw new Error(`Run ${id} is ${run.status} in ${run.live?.stage} after ${sent.join(', ')}.`)
      }
      if (sent.length >= MOST_VERBS) return
      const steps = run.steps.map(({ name }) => name)
      const answer = await ('step' in next
        ? post(id, `steps/${next.step}/${next.verb}`, {})
        : post(id, next.verb, next.verb === 'reset' ? { steps } : undefined))
      expect([200, 202, 409]).toContain(answer.status)
      if (answer.status < 300) sent.push(next.verb)
      throw new Error(`Run ${id} was ${run.status}; sent: ${sent.join(', ')}.`)
    })
    expect((await get(id)).status).toBe('succeeded')
    return sent
  }

  /** A run within another one may wait for an answer of its own; maps have none. */
  async function answerWithin(id: string): Promise<void> {
    if ((await harness.row({ id })).kind !== 'pipeline') return
    const next = nextVerb(await get(id))
    if (typeof next === 'object' && 'step' in next) await post(id, `steps/${next.step}/${next.verb}`, {})
  }

  async function play(name: string, state: RunState, taken: Verb, seed: number): Promise<void> {
    const receiver = await Receiver.start()
    try {
      const id = await state.enter({ harness, api, away, receiver, name })
      const step = state.gate?.step ?? 'up'
      const { refused, rest } = order(seed, state, taken)
      for (const verb of [...refused, taken]) {
        const answer = shown(await send(id, verb, step))
        expect(`${verb}: ${answer}`).toBe(
          `${verb}: ${expected(state.status, verb, state.gate?.kind ?? null)}`,
        )
      }
      for (const verb of rest.slice(1)) {
        const { status: before } = await get(id)
        const answer = await send(id, verb, step)
        const { status: after } = await get(id)
        const allowed = ['taken', 'wrong_state']
        if (before === 'accepted' || after === 'accepted') allowed.push('unavailable')
        expect(allowed).toContain(shown(answer))
      }
      await finish(id, receiver)
    } finally {
      await receiver.stop()
    }
  }

  it.each(Object.keys(RUN_STATES))(
    'of a run that is %s are taken or refused with a reason, and lead to its success',
    async name => {
      const state = RUN_STATES[name]!
      const taken = VERBS.filter(verb => expected(state.status, verb, state.gate?.kind ?? null) === 'taken')
      const at = Object.keys(RUN_STATES).indexOf(name)
      const played = await Promise.allSettled(
        taken.map((verb, index) => play(`state-${at}-${verb}`, state, verb, at * 100 + index)),
      )
      const wrong = played.flatMap((each, index) =>
        each.status === 'rejected' ? [`${taken[index]}: ${(each.reason as Error).message}`] : [],
      )
      expect(wrong).toEqual([])
    },
  )

  it('leave nothing behind that a check would find', async () => {
    const { problems, unreachable } = await checkStack(harness.config)
    expect({ problems, unreachable }).toEqual({ problems: [], unreachable: [] })
  })

  it('are taken when the guide says so', () => {
    const { text } = page('docs/guides/pipelines.md')
    const [, verbs] = text.split('\n## Verbs\n')
    const rows = [...verbs!.split('\n## ')[0]!.matchAll(/^\| `(\w+)` +\| ([^|]+?) +\|/gm)]
    const said = Object.fromEntries(rows.map(([, verb, when]) => [verb, SAID[when!]]))
    expect(said).toEqual(TAKEN)
  })
})
