import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { bikeCsv } from '../support/bike-data.js'
import { Harness, PROJECT } from '../support/harness.js'
import { record } from '../support/histories.js'

const DECLARED = { dteday: { format: '%m/%d/%Y' } }

describe('datasetCommit', () => {
  let harness: Harness
  const csv = bikeCsv(1)
  beforeAll(async () => {
    harness = await Harness.start({ queues: ['workflows', 'io'] })
  })
  afterAll(() => harness.stop())

  const version = (name: string) => harness.ports.datasets.latest(PROJECT, name)
  const lines = csv.trimEnd().split('\n')

  it('makes a version, and none for the same content again', async () => {
    const expectations = [
      { kind: 'row_count', min: 1 },
      { kind: 'unique', columns: ['dteday', 'hr'] },
      { kind: 'range', column: 'windspeed', exclusiveMin: 0, severity: 'warning' },
    ]
    const first = await harness.ended(await harness.commit('bike', csv, { columns: DECLARED, expectations }))
    expect(first).toMatchObject({
      status: 'succeeded',
      stage: 'succeeded',
      error: null,
      result: { outcome: 'succeeded', version: 1 },
      warnings: [expect.stringContaining('windspeed')],
    })
    const made = (await version('bike'))!
    expect(made).toMatchObject({ version: 1, rows: String(lines.length - 1), runId: first.id })
    expect(await harness.ports.objects.size(made.parquet!.uri)).toBe(made.parquet!.bytes)
    await record(harness.client, first.workflowId, 'datasetCommit.succeeded')

    const again = await harness.ended(await harness.commit('bike', csv, { columns: DECLARED }))
    expect(again).toMatchObject({ status: 'succeeded', result: { version: 1, root: made.root } })
    expect(await harness.ports.ledger.steps(again.id)).toContainEqual(
      expect.objectContaining({ step: 'commit', outcome: expect.objectContaining({ created: false }) }),
    )
    expect((await version('bike'))!.version).toBe(1)
  })

  it('reads a next version with the schema of the last', async () => {
    const more = [...lines, lines.at(-1)!.replace(/^\d+/, '99999')].join('\n')
    const next = await harness.ended(await harness.commit('bike', `${more}\n`))
    expect(next).toMatchObject({ status: 'succeeded', error: null, result: { version: 2 } })
    expect(await version('bike')).toMatchObject({ proposal: null, parents: [expect.any(String)] })

    const wider = lines.map((line, i) => `${line},${i === 0 ? 'rain' : '1'}`).join('\n')
    const changed = await harness.ended(await harness.commit('bike', `${wider}\n`))
    expect(changed).toMatchObject({
      status: 'refused',
      result: { outcome: 'refused' },
      error: { code: 'schema_changed', message: expect.stringContaining('rain') },
      nextAttemptAt: null,
    })
    expect((await version('bike'))!.version).toBe(2)
  })

  it('refuses rows that fail an expectation, and names them', async () => {
    const run = await harness.commit('strict', csv, {
      columns: DECLARED,
      expectations: [{ kind: 'range', column: 'hr', max: 20 }],
    })
    const refused = await harness.ended(run)
    expect(refused).toMatchObject({ status: 'refused', error: { code: 'expectations_failed' } })
    const { problems } = refused.error!.details as { problems: { at: string; message: string }[] }
    expect(JSON.stringify(problems)).toContain('row 22')
    expect(await version('strict')).toBeNull()
    await record(harness.client, run.workflowId, 'datasetCommit.refused-by-expectations')
  })

  it('refuses an expectation about a column that is not there', async () => {
    const expectations = [{ kind: 'not_null', column: 'humm' }]
    const refused = await harness.ended(
      await harness.commit('misspelt', csv, { columns: DECLARED, expectations }),
    )
    expect(refused).toMatchObject({
      status: 'refused',
      error: { code: 'unknown_column', message: expect.stringContaining('Did you mean "hum"') },
    })
  })

  it('refuses values that are not of their type', async () => {
    const broken = lines.map((line, i) => (i === 3 ? line.replace(/[^,]*$/, 'many') : line)).join('\n')
    const columns = { ...DECLARED, cnt: { type: 'integer' as const } }
    const run = await harness.commit('broken', `${broken}\n`, { columns })
    expect(await harness.ended(run)).toMatchObject({
      status: 'refused',
      error: {
        code: 'value_not_of_type',
        details: { problems: [{ at: 'row 3, column cnt', message: expect.stringContaining('many') }] },
      },
    })
    expect(await version('broken')).toBeNull()
    await record(harness.client, run.workflowId, 'datasetCommit.refused')
  })

  it('takes texts for missing values that a commit names, and those of the last version otherwise', async () => {
    const commit = async (rows: string, nullValues?: readonly string[]) =>
      harness.ended(await harness.commit('gaps', `id,count\n1,10\n${rows}`, nullValues ? { nullValues } : {}))
    expect(await commit('2,NA\n', ['NA'])).toMatchObject({ result: { version: 1 } })
    expect(await commit('3,NA\n')).toMatchObject({ result: { version: 2 } })
    const refused = await commit('4,?\n')
    expect(refused).toMatchObject({ status: 'refused', error: { code: 'value_not_of_type' } })
    expect(refused.error!.message).toContain('name them in nullValues')
    expect(await commit('4,?\n', ['NA', '?'])).toMatchObject({ result: { version: 3 } })
  })

  it('refuses a date that can be read both ways', async () => {
    const ambiguous = lines
      .filter((line, i) => i === 0 || /^\d+,1\/([1-9]|1[0-2])\/2011/.test(line))
      .join('\n')
    const refused = await harness.ended(await harness.commit('dates', `${ambiguous}\n`))
    expect(refused).toMatchObject({ status: 'refused', error: { code: 'date_format_ambiguous' } })
    expect(refused.error!.message).toMatch(/%m\/%d\/%Y/)
    expect(refused.error!.message).toMatch(/%d\/%m\/%Y/)
  })

  it('lets only one of two first commits decide the schema', async () => {
    const asText = { ...DECLARED, cnt: { type: 'string' as const } }
    const runs = [
      await harness.commit('race', csv, { columns: DECLARED }),
      await harness.commit('race', csv, { columns: asText }),
    ]
    const ends = await Promise.all(runs.map(run => harness.ended(run)))
    expect(ends.map(end => end.status).sort()).toEqual(['refused', 'succeeded'])
    expect(ends.find(end => end.status === 'refused')!.error!.code).toBe('schema_changed')
    expect((await version('race'))!.version).toBe(1)
  })
})
