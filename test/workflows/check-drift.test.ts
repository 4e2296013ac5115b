import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { scoreRows } from '../../activities/score-rows.js'
import type { DriftRequest, DueWindows } from '../../contracts/temporal/monitoring.js'
import { openingRow } from '../../domain/drift/assessments.js'
import { completePolicy, type PolicyRequest } from '../../domain/drift/monitoring-policy.js'
import type { WindowReport } from '../../domain/drift/window-report.js'
import { windowOfId } from '../../domain/drift/windows.js'
import type { ModelSignature } from '../../domain/models/signature.js'
import { uuidv7 } from '../../stores/ids.js'
import type { Deployment } from '../../stores/postgres/entities/deployment.js'
import type { DriftWindow } from '../../stores/postgres/entities/drift.js'
import type { ModelVersion } from '../../stores/postgres/entities/model.js'
import { bikeTraining } from '../support/bike-data.js'
import { type BikeHour, bikeHours, monthsOf } from '../support/bike-hours.js'
import { eventually } from '../support/eventually.js'
import { Harness, PROJECT } from '../support/harness.js'
import { record } from '../support/histories.js'
import { ingestRows, type LoggedRow } from '../support/prediction-files.js'

const FEATURES = ['mnth', 'hr', 'workingday', 'weathersit', 'temp', 'atemp', 'hum', 'windspeed']
const TIMES = ['mnth', 'hr', 'workingday'].map(name => ({ name, role: 'time' as const }))

describe('checkDrift', () => {
  let harness: Harness
  let version: ModelVersion
  const hours = bikeHours()
  const predicted = new Map<string, number>()

  beforeAll(async () => {
    harness = await Harness.start()
    const year2011 = monthsOf(hours, '2011-01', '2011-12')
    const names = ['dteday', ...FEATURES, 'cnt']
    const lines = year2011.map(({ values, eventTime }) =>
      names.map(name => (name === 'dteday' ? iso(eventTime).slice(0, 10) : values[name])).join(','),
    )
    const committed = await harness.commit('bike', `${[names.join(','), ...lines].join('\n')}\n`)
    await harness.ended(committed)
    const run = await harness.train(
      bikeTraining({
        rounds: 200,
        checkpointEvery: 100,
        parameters: {
          max_depth: 6,
          eta: 0.1,
          subsample: 0.8,
          min_child_weight: 5,
          tree_method: 'exact',
          seed: 42,
        },
        features: FEATURES,
        split: {
          column: 'dteday',
          train: { until: '2011-09-01' },
          holdout: { from: '2011-09-01', until: '2011-11-01' },
        },
      }),
    )
    await harness.ended(run)
    version = await harness.ports.models.version(PROJECT, 'bike', 1)
    await score(monthsOf(hours, '2011-11', '2012-05'))
  })
  afterAll(() => harness.stop())

  const iso = (time: number) => new Date(time).toISOString()

  /** What the registered version says of hours, by their ids. */
  async function score(wanted: readonly BikeHour[]): Promise<void> {
    const directory = await mkdtemp(join(tmpdir(), 'mlforge-score-'))
    const columns = FEATURES.map(name => Float64Array.from(wanted, hour => hour.values[name]!))
    const outputs = await scoreRows(harness.ports.objects, version, [columns], directory)
    wanted.forEach(({ id }, row) => predicted.set(id, outputs![row]!))
    await rm(directory, { recursive: true })
  }

  const watch = async (name: string, request: PolicyRequest = {}): Promise<Deployment> => {
    const { deployments, drift } = harness.ports
    const { id } = await deployments.create(PROJECT, name, 'bike', 'key:test')
    const policy = completePolicy(
      { columns: TIMES, quartilesOf: 'temp', ...request },
      version.signature as ModelSignature,
    )
    await drift.setPolicy(id, policy)
    return deployments.get(PROJECT, name)
  }
  const rowOf = ({ id, key, eventTime, values }: BikeHour, more: Partial<LoggedRow> = {}): LoggedRow => ({
    id,
    key,
    eventTime,
    version: 1,
    features: Object.fromEntries(FEATURES.map(name => [name, values[name]!])),
    output: predicted.get(id)!,
    ...more,
  })
  const ingest = (
    { id, name }: Deployment,
    rows: readonly LoggedRow[],
    gaps?: Parameters<typeof ingestRows>[1]['gaps'],
  ) =>
    ingestRows(
      { objects: harness.ports.objects, dataSource: harness.database.dataSource },
      { project: PROJECT, deploymentId: id, deployment: name, ...(gaps ? { gaps } : {}) },
      rows,
    )
  const label = ({ id }: Deployment, wanted: readonly BikeHour[], value = (hour: BikeHour) => hour.cnt) =>
    harness.ports.labels.add(
      id,
      wanted.map(hour => ({
        predictionId: hour.id,
        value: value(hour),
        at: new Date(hour.eventTime + 86_400_000),
      })),
      'key:test',
    )
  const tick = (workflowId?: string) => harness.tick<DueWindows>('superviseWindows', workflowId)
  /** All assessed windows, once nothing is due any more and every check has ended. */
  const settled = async ({ id, name }: Deployment): Promise<DriftWindow[]> => {
    await eventually(async () => {
      expect((await tick()).accepted.filter(each => each.startsWith(`${name} `))).toEqual([])
      const { items } = await harness.ports.runs.list(PROJECT, { kind: 'drift', name, limit: 200 })
      expect(items.filter(run => run.status !== 'succeeded').map(run => run.error)).toEqual([])
    })
    return (await harness.ports.drift.windows(id, { limit: 200 })).items.reverse()
  }
  const reportOf = async ({ report }: DriftWindow): Promise<WindowReport> =>
    JSON.parse(await readFile(harness.objectFile(report.json.uri), 'utf8')) as WindowReport
  const psi = ({ columns }: WindowReport, role: string, column?: string): number | null => {
    const found = columns.find(
      each => each.role === role && (column === undefined || each.column === column),
    )!
    return found.status === 'assessed' ? found.tests[0]!.score : null
  }

  it('finds the breach of 2012, with a warmer winter as evidence', async () => {
    const deployment = await watch('demand')
    const replayed = monthsOf(hours, '2011-11', '2012-05')
    for (const month of ['2011-11', '2011-12', '2012-01', '2012-02', '2012-03', '2012-04', '2012-05']) {
      await ingest(
        deployment,
        monthsOf(replayed, month).map(hour => rowOf(hour)),
      )
    }
    await label(deployment, monthsOf(replayed, '2011-11', '2012-04'))
    const workflowId = `${PROJECT}/system/superviseWindows/${uuidv7()}`
    const first = await tick(workflowId)
    // The oldest first, a few at a time.
    expect(first.accepted).toEqual(['2011-11', '2011-12', '2012-01', '2012-02'].map(id => `demand ${id}`))
    await record(harness.client, workflowId, 'superviseWindows.succeeded')

    const windows = await settled(deployment)
    expect(windows.map(each => [each.windowId, each.revision, each.breached, each.labelled])).toEqual([
      ['2011-11', 1, false, 719],
      ['2011-12', 1, false, 741],
      ['2012-01', 1, true, 741],
      ['2012-02', 1, true, 692],
      ['2012-03', 1, true, 743],
      ['2012-04', 1, true, 718],
    ])
    const bias = windows.map(each => each.metrics!.relativeBias!)
    expect(Math.max(...bias.slice(0, 2).map(Math.abs))).toBeLessThan(0.1)
    expect(Math.min(...bias.slice(2))).toBeGreaterThan(0.27)

    const january = await reportOf(windows[2]!)
    expect(january.reference).toMatchObject({
      kind: 'sameSeason',
      version: 1,
      rows: 688,
      ranges: [{ start: Date.UTC(2011, 0, 1), end: Date.UTC(2011, 1, 1) }],
    })
    expect(psi(january, 'label')).toBeCloseTo(0.7844, 4)
    expect(psi(january, 'prediction')).toBeLessThan(0.1)
    expect(psi(january, 'feature', 'temp')).toBeCloseTo(0.7728, 4)
    expect(psi(january, 'feature', 'hum')).toBeLessThan(0.25)
    expect(psi(january, 'feature', 'windspeed')).toBeLessThan(0.25)
    expect(january.columns.filter(({ role }) => role === 'time').map(({ status }) => status)).toEqual([
      'not_tested',
      'not_tested',
      'not_tested',
    ])
    // Not the weather: it is too low in the cold quarter as in the warm one.
    for (const { relativeBias } of january.quartiles!.groups) expect(relativeBias!).toBeGreaterThan(0.4)
    expect(await reportOf(windows[0]!)).toMatchObject({
      breached: false,
      reference: { status: 'not_assessed', text: 'the training data has no period like 2011-11' },
    })

    const page = await readFile(harness.objectFile(windows[2]!.report.html.uri), 'utf8')
    expect(page).toContain('<h1>Window 2012-01</h1>')
    expect(page).toContain('Relative bias 0.519 is beyond +/- 0.2.')

    const assessments = await harness.ports.drift.assessments(deployment.id)
    expect(openingRow(assessments)?.map(({ window }) => window.id)).toEqual(['2012-01', '2012-02'])
    expect((await harness.ports.drift.look(deployment.id))!.pending).toMatchObject([
      { id: '2012-05', state: 'open' },
    ])
    const { items: runs } = await harness.ports.runs.list(PROJECT, { kind: 'drift', name: 'demand' })
    const run = runs.find(each => (each.request as DriftRequest).windowId === '2012-01')!
    expect(run).toMatchObject({
      principal: 'schedule:monitoring',
      trigger: 'schedule',
      workflowId: `default/drift/demand/${run.id}`,
      result: { outcome: 'succeeded', window: '2012-01', revision: 1, breached: true },
    })
    expect([...(await harness.steps(run)).keys()]).toEqual(['collect', 'assess', 'report', 'record'])
    await record(harness.client, run.workflowId, 'checkDrift.succeeded')
  })

  describe('one window', () => {
    const november = () => monthsOf(hours, '2011-11')
    const december = () => monthsOf(hours, '2011-12').slice(0, 24)
    /** November, with the beginning of December, so that it is over. */
    const replay = async (name: string, labelled = november(), request: PolicyRequest = {}) => {
      const deployment = await watch(name, request)
      await ingest(
        deployment,
        [...november(), ...december()].map(hour => rowOf(hour)),
      )
      await label(deployment, labelled)
      return deployment
    }
    const revisions = async (deployment: Deployment) =>
      (await settled(deployment)).map(each => [each.windowId, each.revision, each.labelled])
    const check = async ({ name }: Deployment, windowId = '2011-11') => {
      const window = windowOfId({ every: 'month' }, windowId)!
      const request: DriftRequest = { windowId, start: window.start, end: window.end }
      return harness.ended(await harness.accept('drift', name, request))
    }

    it('is assessed again when a label is corrected, each time it is', async () => {
      const deployment = await replay('corrected')
      const [first] = await settled(deployment)
      const one = november().slice(0, 1)
      await label(deployment, one, () => 5_000)
      const [second] = await settled(deployment)
      expect([second!.revision, second!.labelled, second!.breached]).toEqual([2, 719, false])
      expect(second!.metrics!.mae).toBeGreaterThan(first!.metrics!.mae)
      await label(deployment, one)
      const [third] = await settled(deployment)
      expect([third!.revision, third!.fingerprint]).toEqual([3, first!.fingerprint])
      expect(third!.metrics).toEqual(first!.metrics)
      expect(await harness.ports.drift.window(deployment.id, '2011-11', 2)).toMatchObject({
        metrics: second!.metrics,
      })
    })

    it('is assessed again when rows come late', async () => {
      const deployment = await watch('late')
      const [early, late] = [november().slice(0, 700), november().slice(700)]
      await ingest(
        deployment,
        [...early, ...december()].map(hour => rowOf(hour)),
      )
      await label(deployment, november())
      expect(await revisions(deployment)).toEqual([['2011-11', 1, 700]])
      await ingest(
        deployment,
        late.map(hour => rowOf(hour)),
      )
      expect(await revisions(deployment)).toEqual([['2011-11', 2, 719]])
    })

    it('waits for its labels, and says so', async () => {
      const deployment = await replay('waiting', november().slice(0, 600))
      expect(await revisions(deployment)).toEqual([])
      const reason = '600 of 719 rows are labelled, less than 95 %'
      expect((await harness.ports.drift.look(deployment.id))!.pending).toMatchObject([
        { id: '2011-11', state: 'waiting_for_labels', reason },
        { id: '2011-12', state: 'open' },
      ])
      // Asked for, it is looked at all the same, and nothing is said of its errors.
      expect(await check(deployment)).toMatchObject({ status: 'succeeded', result: { breached: null } })
      expect(await harness.ports.drift.window(deployment.id, '2011-11')).toMatchObject({
        state: 'waiting_for_labels',
        reason,
        breached: null,
        metrics: null,
        checks: [],
      })
      await label(deployment, november())
      expect(await revisions(deployment)).toEqual([['2011-11', 2, 719]])
    })

    it('counts what was answered by the split, once, and shows what was dropped', async () => {
      const deployment = await watch('counted')
      const [first, second] = november() as [BikeHour, BikeHour]
      const gap = { deployment: 'counted', firstSequence: 7, lastSequence: 16 }
      await ingest(
        deployment,
        [
          ...[...november(), ...december()].map(hour => rowOf(hour)),
          rowOf(first, { role: 'pinned', id: 'pinned' }),
          rowOf(first, { role: 'shadow', version: 2 }),
          // The answer that a client has had first is the one that counts.
          rowOf(second, { version: 2, at: second.eventTime + 1, output: 1e6 }),
        ],
        [{ ...gap, fromEventTime: Date.UTC(2011, 10, 30, 20), toEventTime: Date.UTC(2011, 10, 30, 23) }],
      )
      await label(deployment, november())
      const [window] = await settled(deployment)
      expect(window).toMatchObject({
        rows: 719,
        labelled: 719,
        dropped: 10,
        versions: [{ version: 1, share: 1 }],
        breached: false,
      })
      const page = await readFile(harness.objectFile(window!.report.html.uri), 'utf8')
      expect(page).toContain('10 predictions were dropped and not logged')
      expect(page).toContain('2011-11-30 20:00')
    })

    it('is checked once by ticks at the same time', async () => {
      const { name } = await replay('twice')
      const ticks = await Promise.all([tick(), tick(), tick()])
      expect(ticks.flatMap(each => each.accepted).filter(each => each === 'twice 2011-11')).toHaveLength(1)
      const { items } = await harness.ports.runs.list(PROJECT, { kind: 'drift', name })
      expect(items).toHaveLength(1)
      await harness.ended(items[0]!)
    })

    it('gets no revision by a check that sees the same', async () => {
      const deployment = await replay('same')
      await settled(deployment)
      expect(await check(deployment)).toMatchObject({ status: 'succeeded', result: { revision: 1 } })
      expect(await revisions(deployment)).toEqual([['2011-11', 1, 719]])
    })

    it('is too few where the policy needs more, and another policy looks again', async () => {
      const deployment = await replay('strict', november(), { minLabelled: 1_000 })
      expect(await settled(deployment)).toMatchObject([{ revision: 1, state: 'too_few', breached: null }])
      const strict = completePolicy({ breach: { maxWape: 0.1 } }, version.signature as ModelSignature)
      await harness.ports.drift.setPolicy(deployment.id, strict)
      expect(await settled(deployment)).toMatchObject([
        {
          revision: 2,
          state: 'assessable',
          breached: true,
          checks: [{ breached: false }, { breached: true }],
        },
      ])
    })

    it.each([
      ['training', { kind: 'training' }, 'all training rows of version 1', '2011-01', '2011-08'],
      ['pinned', { kind: 'version', version: 1 }, 'version 1, which the policy pins', '2011-01', '2011-08'],
      [
        'trailing',
        { kind: 'trailing', windows: 2 },
        'predictions of the 2 windows before',
        '2011-11',
        '2011-12',
      ],
    ] as const)('is compared with a reference that is %s', async (name, reference, text, first, last) => {
      const deployment = await watch(name, {
        reference,
        columns: [...TIMES, { name: 'weathersit', type: 'categorical' }],
      })
      const [before, window] = [monthsOf(hours, '2011-11', '2011-12'), monthsOf(hours, '2012-01')]
      const after = monthsOf(hours, '2012-02').slice(0, 1)
      await ingest(
        deployment,
        [...before, ...window, ...after].map(hour => rowOf(hour)),
      )
      await label(deployment, [...before, ...window])
      const january = await reportOf((await settled(deployment))[2]!)
      expect(january.reference).toMatchObject({
        kind: reference.kind,
        rows: monthsOf(hours, first, last).length,
        text: expect.stringContaining(text),
      })
      expect(january.columns.filter(({ role }) => role !== 'time').map(({ status }) => status)).toEqual(
        Array.from({ length: 7 }, () => 'assessed'),
      )
      const weather = january.columns.find(({ column }) => column === 'weathersit')!
      expect(weather.status === 'assessed' && weather.tests.map(({ statistic }) => statistic)).toEqual([
        'psi',
        'jensen_shannon',
        'chi_squared',
      ])
    })

    it('is refused where the policy has no such window any more', async () => {
      const deployment = await replay('changed')
      await harness.ports.drift.setPolicy(
        deployment.id,
        completePolicy({ window: { every: 'week' } }, version.signature as ModelSignature),
      )
      const run = await check(deployment)
      expect(run).toMatchObject({ status: 'failed', error: { code: 'wrong_state' } })
      expect(run.error!.message).toMatch(/no window "2011-11" any more/)
      await record(harness.client, run.workflowId, 'checkDrift.failed')
    })
  })
})
