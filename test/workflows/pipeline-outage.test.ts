import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { PipelineRunRequest } from '../../contracts/temporal/pipelines.js'
import { compilePipeline } from '../../domain/pipelines/compile.js'
import type { LedgerStore } from '../../stores/postgres/ledger-store.js'
import { PipelineStore } from '../../stores/postgres/pipeline-store.js'
import { Harness, PROJECT } from '../support/harness.js'

/** As often as an activity may fail in the harness. */
const OUTAGES = 2

describe('a step while Postgres is away', () => {
  let harness: Harness
  beforeAll(async () => {
    harness = await Harness.start({ queues: ['workflows', 'watch'] })
  })
  afterAll(() => harness.stop())

  it.each(['begin', 'finish'] as const)(
    'that it cannot %s goes on once it is back, and has used up no try',
    async when => {
      let left = OUTAGES
      const { ledger } = harness.ports
      const failing: LedgerStore = Object.create(ledger) as LedgerStore
      failing[when] = (async (...args: Parameters<typeof ledger.begin>) => {
        if (left-- > 0) throw new Error('Connection terminated unexpectedly')
        return (ledger[when] as typeof ledger.begin)(...args)
      }) as never
      const worker = await harness.work('io', { ...harness.ports, ledger: failing })
      const source = {
        steps: {
          only: {
            uses: 'compare',
            with: { candidate: 1, reference: 1 },
            retry: { maxAttempts: 1, delay: 0.05 },
          },
        },
      }
      const name = `away-${when}`
      const pipelines = new PipelineStore(harness.database.dataSource)
      const [applied] = await pipelines.apply(PROJECT, 'key:test', [
        compilePipeline(source, name).definition!,
      ])
      const { id: pipelineId } = await pipelines.get(PROJECT, name)
      const { version, sha256 } = applied!
      const request: PipelineRunRequest = { pipelineId, version, sha256, parameters: {} }
      const run = await harness.accept('pipeline', name, request)
      expect(await harness.ended(run)).toMatchObject({ status: 'succeeded', attempt: 1 })
      expect(left).toBeLessThan(0)
      const [step] = await harness.ports.pipelineRuns.steps(run.id)
      expect(step).toMatchObject({ state: 'succeeded', tries: 0, error: null })
      await worker.stop()
    },
  )
})
