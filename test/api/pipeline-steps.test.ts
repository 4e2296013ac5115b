import { setImmediate } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { PipelineRun } from '../../contracts/rest/pipeline-runs.js'
import { toEnvironment } from '../../config/load.js'
import { bikeCsv } from '../support/bike-data.js'
import { eventually } from '../support/eventually.js'
import { Harness } from '../support/harness.js'
import { Receiver } from '../support/receiver.js'
import { TestApi } from './support/api.js'
import { pipelineCalls } from './support/pipeline-calls.js'

/** A script of Node.js. */
const script = (text: string, more: object = {}) => ({
  uses: 'script',
  retry: { maxAttempts: 1 },
  ...more,
  with: { command: ['node', '-e', text] },
})

/** Text of a stream as it comes. */
class Followed {
  text = ''
  readonly ended: Promise<void>

  private constructor(
    readonly response: Response,
    private readonly stop: AbortController,
  ) {
    this.ended = this.read()
  }

  static async open(api: TestApi, path: string): Promise<Followed> {
    const stop = new AbortController()
    const response = await fetch(api.url + path, {
      headers: { authorization: 'Bearer mlf_viewer' },
      signal: AbortSignal.any([stop.signal, AbortSignal.timeout(120_000)]),
    })
    return new Followed(response, stop)
  }

  close(): void {
    this.stop.abort()
  }

  private async read(): Promise<void> {
    for await (const chunk of this.response.body!.pipeThrough(new TextDecoderStream())) this.text += chunk
  }
}

/** The lines of a log, without their times. */
const linesOf = (text: string): string[] =>
  text
    .split('\n')
    .slice(0, -1)
    .map(line => {
      expect(line).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z /)
      return line.replace(/^\S+ /, '')
    })

describe('what a step has printed and given', () => {
  let harness: Harness
  let api: TestApi
  beforeAll(async () => {
    harness = await Harness.start()
    await harness.ended(
      await harness.commit('bike', bikeCsv(1), { columns: { dteday: { format: '%m/%d/%Y' } } }),
    )
    api = await TestApi.beside(harness)
  })
  afterAll(async () => {
    await api.stop()
    await harness.stop()
  })

  const { start, ended, get, verb } = pipelineCalls(() => api)
  const read = (id: string, path: string) =>
    api.call('GET', `/v1/pipeline-runs/${id}/steps/${path}`, { key: 'mlf_viewer' })
  const follow = (id: string, step: string, from = api) =>
    Followed.open(from, `/v1/pipeline-runs/${id}/steps/${step}/log?follow=true`)
  const stateOf = ({ steps }: PipelineRun, name: string) => steps.find(each => each.name === name)?.state

  it('is read while it works, as rows, and afterwards, as one object', async () => {
    const gate = await Receiver.start()
    try {
      const text = `console.log('first'); fetch('${gate.url('/hold/a')}').then(() => console.log('second'))`
      const run = await start('prints', {
        steps: { talk: script(text), after: script('', { needs: 'talk' }) },
      })
      const log = `talk/log`
      const soon = await follow(run.id, 'talk')
      expect(soon.response.headers.get('content-type')).toBe('text/plain; charset=utf-8')
      await eventually(() => expect(linesOf(soon.text)).toEqual(['first']))
      const now = await read(run.id, log)
      expect(now.status).toBe(200)
      expect(linesOf(now.body)).toEqual(['first'])
      expect(await read(run.id, 'after/log')).toMatchObject({ status: 200, body: '' })
      gate.release()
      await soon.ended
      expect(linesOf(soon.text)).toEqual(['first', 'second'])
      await ended(run.id, 'succeeded')
      const rows = await harness.ports.stepLogs.read({ runId: run.id, step: 'talk', generation: 1 }, 0, 10)
      expect(rows).toEqual([])
      expect((await read(run.id, log)).body).toBe(soon.text)
      const late = await follow(run.id, 'talk')
      await late.ended
      expect(late.text).toBe(soon.text)
      expect((await read(run.id, 'after/log')).body).toBe('')
    } finally {
      await gate.stop()
    }
  })

  it('is followed from before it begins, over its tries, until it has failed', async () => {
    const gate = await Receiver.start()
    try {
      const run = await start('fails', {
        steps: {
          wait: { uses: 'http', with: { url: gate.url('/hold/a') } },
          bad: script(`console.log('trying'); process.exit(3)`, {
            needs: 'wait',
            retry: { maxAttempts: 2, delay: 0.05 },
          }),
          never: script('', { needs: 'bad' }),
        },
      })
      const [bad, never] = [await follow(run.id, 'bad'), await follow(run.id, 'never')]
      await setImmediate()
      expect([bad.text, never.text]).toEqual(['', ''])
      gate.release()
      await Promise.all([bad.ended, never.ended])
      const failed = await ended(run.id, 'failed')
      expect(stateOf(failed, 'never')).toBe('blocked')
      const said = expect.stringContaining('ended with exit code 3: trying')
      expect(linesOf(bad.text)).toEqual(['trying', said, 'trying', said])
      expect(never.text).toBe('')
      expect((await read(run.id, 'bad/log')).body).toBe(bad.text)
    } finally {
      await gate.stop()
    }
  })

  it('stays with the generation of the step that has printed it', async () => {
    const run = await start('twice', {
      steps: { hello: script(`console.log(process.env.MLFORGE_IDEMPOTENCY_KEY)`) },
    })
    await ended(run.id, 'succeeded')
    expect(await verb(run.id, 'reset', { steps: ['hello'] })).toMatchObject({ status: 202 })
    await ended(run.id, 'succeeded', 2)
    const lines = async (query: string) => linesOf((await read(run.id, `hello/log${query}`)).body)
    expect(await lines('')).toEqual([`${run.id}/hello/g2`])
    expect(await lines('?generation=1')).toEqual([`${run.id}/hello/g1`])
    const first = await follow(run.id, 'hello')
    await first.ended
    expect(linesOf(first.text)).toEqual([`${run.id}/hello/g2`])
    for (const path of ['hello/log', 'hello/outputs/outputs']) {
      expect(await read(run.id, `${path}?generation=3`)).toMatchObject({
        status: 404,
        body: { detail: `Step "hello" of run ${run.id} has no generation 3: its newest is 2.` },
      })
      expect(await read(run.id, `${path}?generation=0`)).toMatchObject({ status: 400 })
    }
    expect(await read(run.id, 'hello/log?follow=maybe')).toMatchObject({ status: 400 })
  })

  it('is followed without a connection of the database, until the api is stopped or nobody listens', async () => {
    const gate = await Receiver.start()
    const few = { ...toEnvironment(harness.config), MLFORGE_POSTGRES_POOL_SIZE: '2' }
    const other = await api.restart(few)
    try {
      const text = `console.log('first'); fetch('${gate.url('/hold/a')}').then(() => console.log('second'))`
      const run = await start('drains', { steps: { talk: script(text) } })
      const all = await Promise.all(Array.from({ length: 12 }, () => follow(run.id, 'talk', other)))
      await eventually(() => expect(all.map(each => linesOf(each.text))).toEqual(all.map(() => ['first'])))
      expect(await other.call('GET', `/v1/pipeline-runs/${run.id}`)).toMatchObject({ status: 200 })
      const gone = all.pop()!
      gone.close()
      await expect(gone.ended).rejects.toThrow(/abort/)
      const stopped = other.stop()
      await Promise.all(all.map(each => each.ended))
      await stopped
      expect(all.map(each => linesOf(each.text))).toEqual(all.map(() => ['first']))
      expect(other.log.filter(line => line.includes('ended early'))).toEqual([])
      gate.release()
      await ended(run.id, 'succeeded')
    } finally {
      await gate.stop()
    }
  })

  it('is a download for tables and files, and JSON for everything else, however large', async () => {
    const files = `
      const fs = require('fs'), dir = process.env.MLFORGE_FILES
      fs.mkdirSync(dir + '/plots')
      fs.writeFileSync(dir + '/plots/ä "1".html', '<p>')
      fs.writeFileSync(dir + '/report.json', '{}')
      fs.writeFileSync(process.env.MLFORGE_OUTPUTS, JSON.stringify({ rmse: 1.5, none: null }))`
    const run = await start('gives', {
      steps: {
        data: { uses: 'dataset', with: { dataset: 'bike' } },
        large: {
          uses: 'query',
          with: { sql: `SELECT repeat('x', 40000) AS long`, tables: { b: '${{ steps.data.table }}' } },
        },
        report: script(files),
      },
    })
    const done = await ended(run.id, 'succeeded')
    const [data, large, report] = done.steps.map(({ links }) => links.outputs)
    expect(Object.keys(data!).sort()).toEqual(['name', 'root', 'rows', 'table', 'version'])
    expect(Object.keys(large!).sort()).toEqual(['first', 'rows', 'table'])
    const fetched = async (path: string) => api.call('GET', path, { key: 'mlf_viewer' })

    const table = await fetched(data!['table']!)
    const { table: ref } = done.steps[0]!.outputs as { table: { sha256: string; bytes: number } }
    expect(table.status).toBe(200)
    expect(table.headers.get('etag')).toBe(`"${ref.sha256}"`)
    expect(table.headers.get('content-disposition')).toBe('attachment; filename="table.parquet"')
    expect(table.headers.get('cache-control')).toBe('private, no-cache')
    expect(table.headers.get('content-length')).toBe(String(ref.bytes))
    expect(await fetched(data!['rows']!)).toMatchObject({ status: 200, body: 688 })
    expect(await fetched(data!['name']!)).toMatchObject({ status: 200, body: 'bike' })

    expect(done.steps[1]!.outputs).toMatchObject({ uri: expect.any(String), sha256: expect.any(String) })
    expect((await fetched(large!['first']!)).body).toEqual({ long: 'x'.repeat(40_000) })

    expect((await fetched(report!['outputs']!)).body).toEqual({ rmse: 1.5, none: null })
    expect((await fetched(`${report!['outputs']}/none`)).body).toBeNull()
    const page = await fetched(`${report!['files']}/${encodeURIComponent('plots/ä "1".html')}`)
    expect([page.status, page.body]).toEqual([200, '<p>'])
    expect(page.headers.get('content-disposition')).toBe(`attachment; filename*=UTF-8''%C3%A4%20%221%22.html`)
    expect((await fetched(`${report!['files']}/report.json`)).headers.get('etag')).toMatch(/^"[0-9a-f]{64}"$/)
  })

  it('is not found under other names, with what there is', async () => {
    const run = await start('named', {
      steps: {
        gate: { uses: 'compare', with: { candidate: 1, reference: 2 } },
        refuses: { uses: 'compare', needs: 'gate', with: { candidate: 2, reference: 1 } },
      },
    })
    await ended(run.id, 'refused')
    const detail = async (path: string) => {
      const { status, body } = await read(run.id, path)
      expect(status).toBe(404)
      return (body as { detail: string }).detail
    }
    const noStep = `Pipeline "named" has no step "gat". Did you mean "gate"?`
    expect(await detail('gat/log')).toContain(noStep)
    expect(await detail('gat/outputs/ratio')).toContain(noStep)
    expect(await detail('gate/outputs/rati')).toBe(
      'The outcome of step "gate" has no "rati". Did you mean "ratio"? There are: ratio.',
    )
    expect(await detail('gate/outputs/toString')).toContain('There are: ratio.')
    expect(await detail('gate/outputs/ratio/more')).toBe(
      'Output "ratio" of step "gate" has no "more". It has none.',
    )
    expect(await detail('refuses/outputs/ratio')).toContain('it has not ended well')
    const { steps } = await get(run.id)
    expect(steps[1]!.links.outputs).toEqual({})
  })
})
