import { Client, Connection } from '@temporalio/client'
import type { PipelineRun } from '../../contracts/rest/pipeline-runs.js'
import type { RunStatus } from '../../domain/runs/run-status.js'
import { createPorts } from '../../worker/workers.js'
import { relayStarts } from '../../worker/relay.js'
import type { TestApi } from '../api/support/api.js'
import { pipelineCalls } from '../api/support/pipeline-calls.js'
import { eventually } from '../support/eventually.js'
import type { Harness } from '../support/harness.js'
import { SOON } from '../support/pipeline-kit.js'
import type { Receiver } from '../support/receiver.js'

/** Where a run of its own is driven to a state. */
export interface Stage {
  readonly harness: Harness
  readonly api: TestApi
  /** The api, where Temporal cannot be reached. */
  readonly away: TestApi
  /** Of this run alone; what is held is held until it is released. */
  readonly receiver: Receiver
  /** Of a pipeline that nobody else has. */
  readonly name: string
}

export interface RunState {
  readonly status: RunStatus
  /** A step that is asked for, and what it waits for. */
  readonly gate?: { readonly step: string; readonly kind: 'approval' | 'event' }
  /** @returns the id of a run that stays in the state until somebody sends a verb */
  readonly enter: (stage: Stage) => Promise<string>
}

const ASK = { uses: 'approve', with: { message: 'Go?' } }

/** A pipeline whose steps succeed in the end. */
function source(
  { receiver }: Stage,
  middle: object,
  more: { undo?: string; settings?: object } = {},
): object {
  const http = (path: string) => ({ uses: 'http', with: { url: receiver.url(path) }, retry: SOON })
  return {
    ...more.settings,
    steps: {
      up: { ...http('/ok/up'), compensate: http(more.undo ?? '/ok/undo') },
      middle: { needs: 'up', ...middle },
      last: { ...http('/ok/last'), needs: 'middle' },
    },
  }
}

/** Fails in a first attempt and succeeds in a second, whether or not what is before it was undone. */
const failing = (stage: Stage, undo: string, settings: object = {}) => {
  const breaks = { uses: 'http', with: { url: stage.receiver.url('/fail/2/breaks') }, retry: SOON, needs: [] }
  return source(stage, breaks, { undo, settings: { parallel: 1, ...settings } })
}

const held = (stage: Stage) => ({ uses: 'http', with: { url: stage.receiver.url('/hold/middle') } })

async function begin(stage: Stage, definition: object): Promise<string> {
  return (await pipelineCalls(() => stage.api).start(stage.name, definition)).id
}

/** The run as the api shows it, once it is so; until then starts that are owed are made. */
async function when(
  { api, harness }: Stage,
  id: string,
  isThere: (run: PipelineRun) => boolean,
  before: () => Promise<unknown> = () => Promise.resolve(),
): Promise<string> {
  await eventually(async () => {
    await relayOnce(harness)
    await before()
    const run = await pipelineCalls(() => api).get(id)
    if (!isThere(run)) throw new Error(`Run ${id} is ${run.status} in ${run.live?.stage}.`)
  })
  return id
}

const isOpen = (step: string) => (run: PipelineRun) => run.live?.open?.[0]?.step === step
const hasEnded = (status: RunStatus) => (run: PipelineRun) => run.status === status
const received =
  ({ receiver }: Stage, path: string) =>
  () =>
    receiver.of(path).length > 0

async function verb({ api }: Stage, id: string, name: string, body?: object): Promise<void> {
  const { status, body: answer } = await pipelineCalls(() => api).verb(id, name, body)
  if (status >= 300) throw new Error(`${name} of run ${id}: ${JSON.stringify(answer)}`)
}

async function enterHeld(stage: Stage): Promise<string> {
  const id = await begin(stage, source(stage, held(stage)))
  return when(stage, id, received(stage, '/hold/middle'))
}

async function enterRollingBack(stage: Stage): Promise<string> {
  const id = await begin(stage, failing(stage, '/hold/undo'))
  await when(stage, id, received(stage, '/hold/undo'))
  return when(stage, id, ({ live }) => live?.stage === 'roll_back')
}

async function accept(stage: Stage): Promise<string> {
  await pipelineCalls(() => stage.api).apply(stage.name, source(stage, { ...held(stage), needs: 'up' }))
  const answer = await pipelineCalls(() => stage.away).post(stage.name)
  return (answer.body as PipelineRun).id
}

/** Makes the starts that are owed, until it is so. @param client of a Temporal that may not be there */
async function relayUntil(
  { config, database, outbox, logger, ports }: Harness,
  isThere: () => Promise<boolean>,
  client?: Client,
): Promise<void> {
  const own = client ? await createPorts(config, database.dataSource, client, logger) : ports
  try {
    await eventually(async () => {
      const stop = new AbortController()
      const idle = () => Promise.resolve(stop.abort())
      await relayStarts({ ...own, outbox, logger, idle }, stop.signal)
      if (!(await isThere())) throw new Error('A start is still owed.')
      // Several plays make starts of each other, and each waits for a Temporal that is not there.
    })
  } finally {
    if (client) own.wakes.close()
  }
}

/** Makes the starts that are due: those of runs within runs among them. */
export function relayOnce(harness: Harness): Promise<void> {
  return relayUntil(harness, () => Promise.resolve(true))
}

/** Each state that a run can be in. */
export const RUN_STATES: Readonly<Record<string, RunState>> = {
  'accepted, Temporal away': { status: 'accepted', enter: accept },
  'at work': { status: 'running', enter: enterHeld },
  paused: {
    status: 'running',
    enter: async stage => {
      const id = await enterHeld(stage)
      await verb(stage, id, 'pause', {})
      return id
    },
  },
  'waiting for approval': {
    status: 'running',
    gate: { step: 'middle', kind: 'approval' },
    enter: async stage => when(stage, await begin(stage, source(stage, ASK)), isOpen('middle')),
  },
  'waiting for an event': {
    status: 'running',
    gate: { step: 'middle', kind: 'event' },
    enter: async stage =>
      when(
        stage,
        await begin(stage, source(stage, { uses: 'wait', with: { event: true } })),
        isOpen('middle'),
      ),
  },
  'in a map': {
    status: 'running',
    enter: async stage => {
      const map = { uses: 'map', with: { items: [1, 2, 3], parallel: 2 }, do: held(stage) }
      const id = await begin(stage, source(stage, map))
      return when(stage, id, received(stage, '/hold/middle'))
    },
  },
  'in a subpipeline': {
    status: 'running',
    enter: async stage => {
      const calls = pipelineCalls(() => stage.api)
      await calls.apply(`${stage.name}-inner`, { steps: { ask: ASK } })
      const inner = { uses: 'subpipeline', with: { pipeline: `${stage.name}-inner` } }
      const id = await begin(stage, source(stage, inner))
      await when(stage, id, ({ steps }) => typeof steps[1]!.child === 'string')
      const { steps } = await calls.get(id)
      await when(stage, steps[1]!.child!, isOpen('ask'))
      return id
    },
  },
  'rolling back': { status: 'running', enter: enterRollingBack },
  'paused while rolling back': {
    status: 'running',
    enter: async stage => {
      const id = await enterRollingBack(stage)
      await verb(stage, id, 'pause', {})
      return id
    },
  },
  succeeded: {
    status: 'succeeded',
    enter: async stage => {
      const middle = { uses: 'http', with: { url: stage.receiver.url('/ok/middle') } }
      return when(stage, await begin(stage, source(stage, middle)), hasEnded('succeeded'))
    },
  },
  refused: {
    status: 'refused',
    enter: async stage => {
      const id = await when(stage, await begin(stage, source(stage, ASK)), isOpen('middle'))
      await verb(stage, id, 'steps/middle/reject', {})
      return when(stage, id, hasEnded('refused'))
    },
  },
  'failed, with a next attempt planned': {
    status: 'failed',
    enter: async stage => {
      const retry = { codes: ['http_failed'], maxAttempts: 3, delay: 3_600 }
      const id = await begin(stage, failing(stage, '/ok/undo', { retry }))
      await when(stage, id, hasEnded('failed'))
      return when(stage, id, ({ retry: { nextAttemptAt } }) => nextAttemptAt !== null)
    },
  },
  'failed for good': {
    status: 'failed',
    enter: async stage => when(stage, await begin(stage, failing(stage, '/ok/undo')), hasEnded('failed')),
  },
  'failed because a step could not be undone': {
    status: 'failed',
    enter: async stage => when(stage, await begin(stage, failing(stage, '/fail/2/undo')), hasEnded('failed')),
  },
  cancelled: {
    status: 'cancelled',
    enter: async stage => {
      const id = await enterHeld(stage)
      await verb(stage, id, 'cancel')
      return when(stage, id, hasEnded('cancelled'))
    },
  },
  'terminated in Temporal Web': {
    status: 'terminated',
    enter: async stage => {
      const id = await enterHeld(stage)
      const { workflowId } = await stage.harness.row({ id })
      await stage.harness.client.workflow.getHandle(workflowId).terminate('by somebody')
      return when(stage, id, hasEnded('terminated'), () => stage.harness.tick('reconcile'))
    },
  },
  lost: {
    status: 'lost',
    enter: async stage => {
      const id = await enterHeld(stage)
      const { workflowId } = await stage.harness.row({ id })
      const { client, config } = stage.harness
      await client.workflowService.deleteWorkflowExecution({
        namespace: config.temporal.namespace,
        workflowExecution: { workflowId },
      })
      await eventually(async () => {
        const state = await stage.harness.ports.workflows.describe(workflowId)
        if (state !== null) throw new Error(`${workflowId} is still there`)
      })
      return when(stage, id, hasEnded('lost'), () => stage.harness.tick('reconcile'))
    },
  },
  'not started within an hour': {
    status: 'start_failed',
    enter: async stage => {
      const id = await accept(stage)
      const { harness } = stage
      await harness.database.dataSource.query(
        `UPDATE outbox SET created_at = now() - interval '2 hours' WHERE run_id = $1`,
        [id],
      )
      const connection = Connection.lazy({ address: '127.0.0.1:1' })
      const isThere = async () => (await harness.row({ id })).status === 'start_failed'
      await relayUntil(harness, isThere, new Client({ connection }))
      await connection.close()
      return id
    },
  },
}
