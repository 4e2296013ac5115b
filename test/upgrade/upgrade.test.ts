import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { Page } from '../../contracts/rest/common.js'
import type { DatasetVersion } from '../../contracts/rest/datasets.js'
import type { Deployment } from '../../contracts/rest/deployments.js'
import type { Incident, IncidentVerbAccepted } from '../../contracts/rest/incidents.js'
import type { Operation } from '../../contracts/rest/operations.js'
import type { Rollout, VerbAccepted } from '../../contracts/rest/rollouts.js'
import type { Schedule } from '../../contracts/rest/schedules.js'
import type { Training } from '../../contracts/rest/trainings.js'
import { bikeHours, monthsOf } from '../support/bike-hours.js'
import { eventually } from '../support/eventually.js'
import { mlforge } from '../support/servers.js'
import { type Recorded, recordedStates } from './recorded.js'
import { ask, label } from './traffic.js'
import { DATASET } from './work.js'
import { Upgrade, type Upgraded } from './upgraded.js'

/** Once it has ended. */
const ended = <T extends Operation>({ api }: Upgraded, path: string): Promise<T> =>
  eventually(async () => {
    const run = await api.get<T>(path)
    const isOpen = run.status === 'accepted' || run.status === 'running' || run.retry.nextAttemptAt
    if (isOpen) throw new Error(`${path} is ${run.status} (${run.stage})`)
    return run
  })

const incidentIn = ({ api }: Upgraded, id: string, status: Incident['status']): Promise<Incident> =>
  eventually(async () => {
    const incident = await api.get<Incident>(`/v1/incidents/${id}`)
    if (incident.status !== status) throw new Error(`It is ${incident.status}: ${incident.message}`)
    return incident
  })

/** The same rows under other ids get the answers that they got before. */
async function expectSameAnswers({ serving }: Upgraded, recorded: Recorded, name: string): Promise<void> {
  const before = recorded.answers[name]!.slice(-ASKED_AGAIN)
  const ids = new Set(before.map(({ id }) => id))
  const hours = bikeHours().filter(({ id }) => ids.has(id))
  const now = await ask(serving, name, hours, '-again')
  expect(now).toEqual(before.map(answer => ({ ...answer, id: `${answer.id}-again` })))
}

/** The version that answers all rows. */
async function serving({ api }: Upgraded, deployment: string): Promise<number | undefined> {
  const { plan } = await api.get<Deployment>(`/v1/deployments/${deployment}`)
  return plan?.arms.find(({ weight }) => weight === 100)?.version
}

/** Ends with an error where an effect is there twice, or rows, objects and Temporal differ. */
async function expectWhole({ stateDirectory }: Upgraded): Promise<void> {
  expect(await mlforge(stateDirectory, ['check', '--deep'])).toMatch(/Nothing is wrong\.\s*$/)
}

/** So few that a window is labelled well enough without them. */
const ASKED_AGAIN = 20

// One stack for all of it: a test goes on from what the one before has left.
describe.each(recordedStates())('the work that $commit was in the middle of', ({ archive }) => {
  let upgrade: Upgrade
  let recorded: Recorded
  let stack: Upgraded

  beforeAll(async () => {
    upgrade = await Upgrade.of(archive)
    recorded = upgrade.recorded
    if (Date.now() < Date.parse(recorded.recordedAt)) {
      throw new Error(`The clock is behind ${recorded.recordedAt}: timers of then would never end.`)
    }
    stack = await upgrade.up()
  })
  afterAll(() => upgrade?.remove())

  it.each(['watched', 'steered', 'switched'])('is answered for %s by the plan it had', name =>
    expectSameAnswers(stack, recorded, name),
  )

  it.each(['watched', 'steered', 'switched'])('has each prediction of %s once', async name => {
    const rows = recorded.answers[name]!.length + ASKED_AGAIN
    await eventually(async () => {
      const { predictions } = await stack.api.get<Deployment>(`/v1/deployments/${name}`)
      expect(predictions).toMatchObject({ rows, waitingSegments: 0 })
    })
  })

  it('goes on with its incident when there are more labels, and takes a verb for it', async () => {
    const { id, message } = recorded.incident
    expect(await incidentIn(stack, id, 'waiting_for_data')).toMatchObject({ message, retrainings: [] })
    const path = `/v1/incidents/${id}`
    await stack.api.post<IncidentVerbAccepted>(`${path}/acknowledge`, { reason: 'after the upgrade' })
    const given = new Set(recorded.answers['watched']!.map(answer => answer.id))
    const later = monthsOf(bikeHours(), '2012-03', '2012-04')
    const hours = later.filter(hour => !given.has(hour.id)).slice(0, -600)
    await ask(stack.serving, 'watched', hours)
    await label(stack.api, 'watched', hours)
    const observing = await incidentIn(stack, id, 'observing')
    expect(observing.acknowledged).toMatchObject({ note: 'after the upgrade' })
    expect(observing.retrainings).toMatchObject([
      { number: 1, trigger: 'automatic', dataset: { version: 2 } },
    ])
    const { version } = observing.retrainings[0]!
    expect(await serving(stack, 'watched')).toBe(version)
    await stack.api.post<IncidentVerbAccepted>(`${path}/close`, { reason: 'that was all' })
    await incidentIn(stack, id, 'closed')
  })

  it('knows the verb that its canary was paused by, and takes the next ones', async () => {
    const { id, version, pause } = recorded.canary
    const path = `/v1/rollouts/${id}`
    const again = await stack.api.post<VerbAccepted>(`${path}/pause`, undefined, {
      idempotencyKey: pause.key,
    })
    expect(again).toEqual(pause.answer)
    await stack.api.post<VerbAccepted>(`${path}/resume`)
    await stack.api.post<VerbAccepted>(`${path}/promote`, { full: true })
    expect(await ended<Rollout>(stack, path)).toMatchObject({ outcome: 'promoted', version, attempt: 1 })
    expect(await serving(stack, 'steered')).toBe(version)
  })

  it('takes the traffic back from a rollout that is aborted in its pause', async () => {
    const { id, stable } = recorded.blueGreen
    await stack.api.post<VerbAccepted>(`/v1/rollouts/${id}/abort`)
    expect(await ended<Rollout>(stack, `/v1/rollouts/${id}`)).toMatchObject({
      outcome: 'aborted',
      attempt: 1,
    })
    expect(await serving(stack, 'switched')).toBe(stable)
  })

  it('resumes its training from the checkpoint', async () => {
    const { id, round } = recorded.training
    const run = await ended<Training>(stack, `/v1/trainings/${id}`)
    expect(run).toMatchObject({ status: 'succeeded', version: 1 })
    expect(run.resumedFromRound).toBeGreaterThanOrEqual(round)
  })

  it('makes the start that it owed', async () => {
    const run = await ended<Training>(stack, `/v1/trainings/${recorded.accepted.id}`)
    expect(run).toMatchObject({ status: 'succeeded', version: 1, attempt: 1 })
  })

  it('keeps its schedule', async () => {
    const schedule = await stack.api.get<Schedule>(`/v1/schedules/${recorded.schedule}`)
    expect(schedule).toMatchObject({ paused: false, timing: { cron: '0 3 1 1 *' } })
    expect(schedule.nextRuns!.length).toBeGreaterThan(0)
    expect(Date.parse(schedule.nextRuns![0]!)).toBeGreaterThan(Date.now())
  })

  it('has the files of its datasets in packs, as they were', async () => {
    const path = `/v1/datasets/${DATASET}/versions`
    const versions = await eventually(
      async () => {
        const { items } = await stack.api.get<Page<DatasetVersion>>(path)
        for (const { manifest, commit } of items) expect([manifest, commit]).not.toContain(null)
        return items
      },
      // A schedule does it, each minute.
      { deadlineMs: 120_000 },
    )
    const { version } = versions.at(-1)!
    const before = await stack.api.download(`${path}/${version}/artifacts/raw.csv`)
    const now = await stack.api.download(`${path}/${version}/file?path=raw.csv`)
    expect(Buffer.from(now).equals(before)).toBe(true)
  })

  it('is whole', () => expectWhole(stack))

  it('comes back from its backup too', async () => {
    await mlforge(stack.stateDirectory, ['down'])
    const restored = await upgrade.restore()
    await expectSameAnswers(restored, recorded, 'steered')
    const { training, canary, incident } = recorded
    await restored.api.post<VerbAccepted>(`/v1/rollouts/${canary.id}/abort`)
    expect(await ended<Rollout>(restored, `/v1/rollouts/${canary.id}`)).toMatchObject({ outcome: 'aborted' })
    await restored.api.post<IncidentVerbAccepted>(`/v1/incidents/${incident.id}/close`, { reason: 'enough' })
    await incidentIn(restored, incident.id, 'closed')
    const run = await ended<Training>(restored, `/v1/trainings/${training.id}`)
    expect(run).toMatchObject({ status: 'succeeded', version: 1 })
    expect(run.resumedFromRound).toBeGreaterThan(0)
    await expectWhole(restored)
  })
})
