import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { openingRow, type WindowAssessment } from '../../domain/drift/assessments.js'
import { assessErrors } from '../../domain/drift/breach.js'
import { windowOfId } from '../../domain/drift/windows.js'
import { text, withDuckDb } from '../../stores/duckdb/duckdb.js'
import { runJob } from '../../trainers/runner.js'
import { LIBRARY, SIGNATURE, temporaryDirectory, trainJob, writeBikeRows } from './support.js'

const MONTHS = Array.from({ length: 12 }, (_, i) => i + 1)

describe('leave one month out, over the whole of 2011', () => {
  let root: string
  let remove: () => Promise<void>
  beforeAll(async () => {
    ;({ path: root, remove } = await temporaryDirectory())
  })
  afterAll(() => remove())

  /** The month as the model of the eleven others sees it. */
  async function assess(month: number): Promise<WindowAssessment> {
    const directory = join(root, String(month))
    await mkdir(directory)
    const [train, holdout] = [join(directory, 'train.parquet'), join(directory, 'holdout.parquet')]
    await writeBikeRows(train, `yr = 0 AND mnth <> ${month}`)
    await writeBikeRows(holdout, `yr = 0 AND mnth = ${month}`)
    const job = trainJob(directory, train, { rounds: 200, checkpointEvery: 0 }, { eta: 0.1 })
    const { model } = await runJob(job, { scratch: directory })
    const { predictions } = await runJob(
      {
        kind: 'evaluate',
        library: LIBRARY,
        model: { file: model.file, signature: SIGNATURE },
        holdout,
        train,
        baselineColumns: ['hr', 'workingday'],
        keyColumns: ['dteday', 'hr'],
        directory,
      },
      { scratch: directory },
    )
    const [y, p] = await withDuckDb({}, db =>
      db.numbers(`SELECT y::DOUBLE, prediction::DOUBLE FROM read_parquet(${text(predictions.file)})`),
    )
    const { rows, breached } = assessErrors(y!, p!)
    const window = windowOfId({ every: 'month' }, `2011-${String(month).padStart(2, '0')}`)!
    return { window, revision: 1, state: 'assessable', breached, labelled: rows, versions: [1] }
  }

  it('opens no incident under the defaults', async () => {
    const assessments: WindowAssessment[] = []
    for (const month of MONTHS) assessments.push(await assess(month))
    expect(assessments.map(({ labelled }) => labelled).every(rows => rows >= 500)).toBe(true)
    expect(assessments.filter(({ breached }) => breached !== false)).toEqual([])
    expect(openingRow(assessments)).toBeNull()
  })
})
