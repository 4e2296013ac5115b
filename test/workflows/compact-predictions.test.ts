import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { filesOf } from '../../activities/drift-window.js'
import { lookAtRows } from '../../activities/rollout-rows.js'
import type { CompactionResult } from '../../contracts/temporal/compaction.js'
import type { AssessOutcome, DueWindows } from '../../contracts/temporal/monitoring.js'
import { completePolicy } from '../../domain/drift/monitoring-policy.js'
import type { ModelSignature } from '../../domain/models/signature.js'
import type { PredictionRecord } from '../../domain/serving/prediction-record.js'
import { backup } from '../../infra/launcher/backup.js'
import { checkStack } from '../../infra/launcher/check.js'
import { errorsByMonth } from '../../stores/duckdb/predictions-errors.js'
import { firstAnswered } from '../../stores/duckdb/predictions-first.js'
import { writeLabels } from '../../stores/duckdb/predictions-labels.js'
import { objectUri } from '../../stores/objects/object-uri.js'
import { uuidv7 } from '../../stores/ids.js'
import type { Deployment } from '../../stores/postgres/entities/deployment.js'
import { HOUR, predictionRecord as record, START } from '../stores/segments/records.js'
import { Harness, PROJECT } from '../support/harness.js'
import { record as recordHistory } from '../support/histories.js'
import { logPredictions } from '../support/prediction-log.js'

const DAY = 24 * HOUR
/** Days that are predicted: four windows of five that are over, and the beginning of the next. */
const DAYS = 21
const SIGNATURE: ModelSignature = {
  features: [
    { name: 'temp', type: 'number' },
    { name: 'holiday', type: 'boolean' },
  ],
  target: 'cnt',
  output: { name: 'cnt' },
}

describe('compactPredictions', () => {
  let harness: Harness
  let deployment: Deployment
  let directory: string

  beforeAll(async () => {
    harness = await Harness.start({
      queues: ['workflows', 'io'],
      env: { MLFORGE_COMPACTION_QUIET_SECONDS: '0.05' },
    })
    directory = await mkdtemp(join(tmpdir(), 'mlforge-compact-'))
    const { deployments, drift, labels } = harness.ports
    deployment = await deployments.create(PROJECT, 'bike', 'bike', 'key:test')
    await drift.setPolicy(
      deployment.id,
      completePolicy(
        {
          window: { every: 'fixed', lengthMs: 5 * DAY, originMs: START },
          minLabelled: 50,
          reference: { kind: 'trailing', windows: 1 },
          quartilesOf: 'temp',
        },
        SIGNATURE,
      ),
    )
    await ingest()
    await labels.add(
      deployment.id,
      Array.from({ length: DAYS * 24 }, (_, hour) => ({
        predictionId: `bike-${hour}`,
        value: hour * 2 + (hour % 7),
        at: new Date(START + hour * HOUR + DAY),
      })),
      'key:test',
    )
  })
  afterAll(async () => {
    await harness.stop()
    await rm(directory, { recursive: true, force: true })
  })

  /**
   * Three files a day, one of them across midnight. From the eleventh day on two versions answer, each
   * scores a copy of the other's rows, the second knows no holidays, and clients try again: soon, and in
   * two cases after weeks.
   */
  async function ingest(): Promise<void> {
    const { ports, database } = harness
    const log = (records: readonly PredictionRecord[]) =>
      logPredictions(ports, database.dataSource, deployment, records)
    for (let first = -4; first < DAYS * 24; first += 8) {
      const hours = Array.from({ length: 8 }, (_, i) => first + i).filter(
        hour => hour >= 0 && hour < DAYS * 24,
      )
      const rows = hours.flatMap(hour => rowsOf(hour))
      if (first > 0) rows.push(again(first - 1, 1))
      // Their first answers are too old, one for the last window and one for the rollout: in files that
      // nobody opens for them, which must not change with what those are merged with.
      if (first === 16 * 24 + 4)
        rows.push(again(2 * 24 - 1, 14 * 24, { revision: 2 }), again(5 * 24 - 1, 11 * 24, { revision: 2 }))
      await log(rows.map((row, sequence) => ({ ...row, sequence: sequence + 1 })))
    }
  }
  function rowsOf(hour: number): PredictionRecord[] {
    const features = { temp: (hour % 24) / 24, holiday: hour % 5 === 0 }
    const answer = record(hour, { eventTime: START + hour * HOUR, features })
    if (hour < 10 * 24) return [answer]
    const second = { version: 2, features: { temp: features.temp }, output: hour * 2 + 1 }
    const own = { revision: 2, ...(hour % 2 === 0 ? {} : { role: 'candidate' as const, ...second }) }
    const copy = { revision: 2, role: 'shadow' as const, ...(hour % 2 === 0 ? second : {}) }
    return [
      { ...answer, ...own },
      { ...answer, ...copy },
    ]
  }
  const again = (hour: number, later: number, more: Partial<PredictionRecord> = {}): PredictionRecord => {
    const row = rowsOf(hour)[0]!
    return { ...row, at: row.at + DAY, output: 7, eventTime: row.eventTime + later * HOUR, ...more }
  }

  const live = () => harness.ports.predictions.files(deployment.id)
  /** All that anybody concludes from the log. */
  async function answers() {
    const { ports } = harness
    const files = await Promise.all((await live()).map(({ uri }) => ports.objects.toFile(uri, directory)))
    const labels = join(directory, 'labels.parquet')
    await writeLabels(ports.labels.effective(deployment.id), labels)
    const run = { project: PROJECT, runId: uuidv7(), name: 'bike', attempt: 1, generation: 1 }
    const versions = { stable: 1, candidate: 2, armsFrom: 2, mirrorFrom: 2 }
    const look = { ...run, limits: ports.limits, ...versions }
    return {
      rollout: await lookAtRows(ports, deployment.id, look, directory),
      errors: await errorsByMonth({ files, labels, versions: [1, 2] }),
      first: await firstAnswered(files, 2),
      inputs: await ports.drift.inputs(deployment.id),
      summary: await ports.predictions.summary(PROJECT, deployment.id),
    }
  }
  /** The evidence of a check of the last window that is over. */
  async function checked() {
    const window = (await windows()).at(-1)
    const { windowId, startsAt, endsAt } = window!
    const request = { windowId, start: startsAt.getTime(), end: endsAt.getTime() }
    const run = await harness.ended(await harness.accept('drift', 'bike', request))
    expect(run.status).toBe('succeeded')
    const assessed = await harness.ports.ledger.outcome<AssessOutcome>({
      runId: run.id,
      step: 'assess',
      generation: 1,
      attempt: 1,
    })
    return { result: run.result, report: assessed!.report }
  }
  const windows = async () =>
    (await harness.ports.drift.windows(deployment.id, { limit: 10 })).items.reverse()

  it('changes no answer: not of a rollout, not of a check, not of what is due', async () => {
    const due = await harness.tick<DueWindows>('superviseWindows')
    expect(due.accepted).toHaveLength(4)
    const { items } = await harness.ports.runs.list(PROJECT, { kind: 'drift', limit: 10 })
    for (const run of items) await harness.ended(run)
    expect((await harness.tick<DueWindows>('superviseWindows')).accepted).toEqual([])
    const look = await harness.ports.drift.look(deployment.id)
    const [before, evidence, files] = [await answers(), await checked(), await live()]
    expect(before.rollout.split!.stable.rows).toBeGreaterThan(50)

    const workflowId = `${PROJECT}/system/compactPredictions/${uuidv7()}`
    const result = await harness.tick<CompactionResult>('compactPredictions', workflowId)
    await recordHistory(harness.client, workflowId, 'compactPredictions.succeeded')
    expect(result).toMatchObject({ failed: 0, deleted: 0 })
    expect(result.merged).toBeGreaterThan(50)

    const after = await live()
    expect(after.length).toBe(files.length - result.merged + result.into)
    expect(await answers()).toEqual(before)
    expect(await checked()).toEqual(evidence)
    expect((await windows()).map(({ revision }) => revision)).toEqual([1, 1, 1, 1])
    // Nothing has come in: it is not even looked at.
    expect((await harness.tick<DueWindows>('superviseWindows')).accepted).toEqual([])
    expect(await harness.ports.drift.look(deployment.id)).toEqual(look)
  })

  const saved = () =>
    backup({
      config: harness.config,
      embeddedTemporal: false,
      file: join(directory, 'backup.tar.gz'),
      progress: () => undefined,
    })

  it('leaves a stack that a check finds nothing wrong with, after the deletion too', async () => {
    const { database, config } = harness
    const codes = async () => (await checkStack(config, { deep: true })).problems.map(({ code }) => code)
    const [before, report] = [await codes(), await checkStack(config, { deep: true })]
    expect(before).toEqual([])
    await database.dataSource.query(
      `UPDATE prediction_files SET replaced_at = now() - interval '25 hours' WHERE replaced_by IS NOT NULL`,
    )
    // The checks above began before what is now 25 hours ago.
    await database.dataSource.query(`UPDATE runs SET created_at = now() - interval '26 hours'`)
    const { objects: savedBefore } = await saved()
    const { deleted } = await harness.tick<CompactionResult>('compactPredictions')
    expect(deleted).toBeGreaterThan(50)
    const after = await checkStack(config, { deep: true })
    expect(after.problems).toEqual([])
    expect(after.deployments).toEqual(report.deployments)
    // A backup takes along what was replaced as long as it is there, and does without it.
    expect((await saved()).objects).toBe(savedBefore - deleted)
  })

  it('tells a check that began before what has become of its files', async () => {
    const { ports, database } = harness
    const [deleted] = await database.dataSource.query<{ uri: string }[]>(
      'SELECT uri FROM prediction_files WHERE deleted_at IS NOT NULL LIMIT 1',
    )
    await expect(filesOf(ports, [deleted!.uri], directory)).rejects.toMatchObject({
      code: 'wrong_state',
      message: expect.stringContaining('Ask for another check'),
    })
    const lost = objectUri(PROJECT, 'a'.repeat(64))
    await expect(filesOf(ports, [lost], directory)).rejects.toMatchObject({ code: 'object_missing' })
  })
})
