import { readFileSync } from 'node:fs'
import { Runtime, Worker } from '@temporalio/worker'
import { DeterminismViolationError } from '@temporalio/workflow'
import { beforeAll, describe, expect, it } from '@jest/globals'
import { WORKFLOWS } from '../../contracts/temporal/messages.js'
import { BUNDLE_FILE } from '../../worker/build-files.js'
import { MAX_PAYLOAD_BYTES } from '../../worker/interceptors.js'
import { recordedHistories } from '../support/histories.js'
import { silentLogger } from '../support/silent-logger.js'

const histories = recordedHistories()

describe('recorded histories', () => {
  beforeAll(() => void Runtime.install({ shutdownSignals: [], logger: silentLogger }))

  const replay = (
    workflowBundle: { code: string } | { codePath: string },
    { history, workflowId }: (typeof histories)[number],
  ) => Worker.runReplayHistory({ workflowBundle, replayName: workflowId }, history, workflowId)

  it('are there for every workflow type', () => {
    const types = new Set(histories.map(({ name }) => name.split('.')[0]))
    expect([...types].sort()).toEqual(Object.values(WORKFLOWS).sort())
    expect(histories.length).toBeGreaterThanOrEqual(12)
  })

  it.each(histories.map(recorded => [recorded.name, recorded] as const))(
    '%s replays',
    async (_name, recorded) => {
      await expect(replay({ codePath: BUNDLE_FILE }, recorded)).resolves.toBeUndefined()
    },
  )

  it('do not replay on workflow code that does something else', async () => {
    const recorded = histories.find(({ name }) => name === 'trainModel.succeeded')!
    const code = readFileSync(BUNDLE_FILE, 'utf8')
    // The evaluation before the training: what runs could not go on with it.
    const changed = swapped(code, 'await train(input)', 'await evaluate(input)')
    await expect(replay({ code: changed }, recorded)).rejects.toThrow(DeterminismViolationError)
  })

  it.each(histories.map(recorded => [recorded.name, recorded] as const))(
    '%s holds references, not data',
    (_name, { history }) => {
      const payloads: { bytes: number; at: string }[] = []
      const visit = (value: unknown, at: string): void => {
        if (typeof value !== 'object' || value === null) return
        const { data } = value as { data?: unknown }
        if (typeof data === 'string') payloads.push({ bytes: Buffer.from(data, 'base64').length, at })
        for (const [key, inner] of Object.entries(value)) visit(inner, `${at}.${key}`)
      }
      visit(history, 'history')
      expect(payloads.length).toBeGreaterThan(0)
      expect(payloads.filter(({ bytes }) => bytes > MAX_PAYLOAD_BYTES)).toEqual([])
      expect(JSON.stringify(history).length).toBeLessThan(200_000)
    },
  )
})

function swapped(code: string, one: string, other: string): string {
  expect(code.split(one)).toHaveLength(2)
  expect(code.split(other)).toHaveLength(2)
  return code.replace(one, '\u0000').replace(other, one).replace('\u0000', other)
}
