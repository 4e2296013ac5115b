import { describe, expect, it } from '@jest/globals'
import { eventTypeOf, openLineageEvent, type RunChange } from '../../../domain/lineage/open-lineage.js'
import type { RunStatus } from '../../../domain/runs/run-status.js'
import { throughOpenLineage } from '../../support/open-lineage.js'

const RUN = '01890a5d-ac96-774b-bcce-b302099a8057'
const PARENT = '01890a5d-ac96-774b-bcce-b302099a8058'
const OPTIONS = { namespace: 'mlforge://team', release: '1.2.3' }

const CHANGE: RunChange = {
  type: 'START',
  attemptId: RUN,
  runId: RUN,
  attempt: 1,
  kind: 'training',
  name: 'demand',
  status: 'running',
  trigger: 'pipeline',
  principal: `pipeline:${PARENT}`,
  error: null,
  at: Date.UTC(2026, 0, 2, 3, 4, 5, 678),
  parent: null,
  read: [],
  wrote: [],
  versions: new Map(),
}
const COMPLETED: RunChange = {
  ...CHANGE,
  type: 'COMPLETE',
  status: 'succeeded',
  parent: { runId: PARENT, kind: 'pipeline', name: 'release' },
  read: ['dataset:bike@3', `run:${PARENT}`, 'model:demand@1', 'window:serves@2012-07'],
  wrote: ['dataset:bike@4', 'model:demand@2', 'deployment:serves', `report:${RUN}`, `report:${RUN}@check`],
  versions: new Map([
    ['dataset:bike@3', { columns: [{ name: 'cnt', type: 'integer' }], rows: 17_379, bytes: 220_000 }],
    ['dataset:bike@4', { columns: [{ name: 'cnt', type: 'integer' }], rows: 20_000, bytes: null }],
  ]),
}
const REFUSED: RunChange = {
  ...CHANGE,
  type: 'FAIL',
  status: 'refused',
  attempt: 2,
  error: { code: 'gate_refused', message: 'rmse is 80, more than 70' },
}

describe('events of OpenLineage', () => {
  it.each<[RunStatus, string | null]>([
    ['accepted', null],
    ['running', 'START'],
    ['succeeded', 'COMPLETE'],
    ['refused', 'FAIL'],
    ['failed', 'FAIL'],
    ['timed_out', 'FAIL'],
    ['lost', 'FAIL'],
    ['start_failed', 'FAIL'],
    ['cancelled', 'ABORT'],
    ['terminated', 'ABORT'],
  ])('say of a run that is %s: %s', (status, type) => {
    expect(eventTypeOf(status)).toBe(type)
  })

  it('name jobs by kind and name, datasets without their version', () => {
    const { eventTime, job, inputs, outputs, run } = openLineageEvent(COMPLETED, OPTIONS)
    expect(eventTime).toBe('2026-01-02T03:04:05.678Z')
    expect(job).toMatchObject({ namespace: 'mlforge://team', name: 'training/demand' })
    expect(inputs.map(({ name, facets }) => [name, facets['version']])).toEqual([
      ['dataset:bike', expect.objectContaining({ datasetVersion: '3' })],
      ['model:demand', expect.objectContaining({ datasetVersion: '1' })],
      ['window:serves', expect.objectContaining({ datasetVersion: '2012-07' })],
    ])
    expect(outputs.map(({ name, facets }) => [name, facets['version'] !== undefined])).toEqual([
      ['dataset:bike', true],
      ['model:demand', true],
      ['deployment:serves', false],
      [`report:${RUN}`, false],
      [`report:${RUN}@check`, false],
    ])
    expect(inputs[0]!.facets['schema']).toMatchObject({ fields: [{ name: 'cnt', type: 'integer' }] })
    expect(outputs[0]!.outputFacets['outputStatistics']).toMatchObject({ rowCount: 20_000 })
    expect(run.facets['parent']).toMatchObject({
      run: { runId: PARENT },
      job: { namespace: 'mlforge://team', name: 'pipeline/release' },
    })
  })

  it('say why a run has not given what it was to give', () => {
    const { run } = openLineageEvent(REFUSED, OPTIONS)
    expect(run.facets).toMatchObject({
      errorMessage: { message: 'rmse is 80, more than 70' },
      mlforge_run: { status: 'refused', attempt: 2, errorCode: 'gate_refused', runId: RUN },
    })
  })

  it("are those of OpenLineage's own client", async () => {
    const events = [CHANGE, COMPLETED, REFUSED].map(change => openLineageEvent(change, OPTIONS))
    expect((await throughOpenLineage(events)).map(withoutEmpty)).toEqual(events.map(withoutEmpty))
  })
})

/** It leaves some facets out where there are none, and has empty ones where ours has none. */
function withoutEmpty(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutEmpty)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .map(([key, each]) => [key, withoutEmpty(each)] as const)
      .filter(([, each]) => each !== null && JSON.stringify(each) !== '{}' && JSON.stringify(each) !== '[]'),
  )
}
