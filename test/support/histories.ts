import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Client } from '@temporalio/client'
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js'

/** Beside the sources: what is recorded is committed. */
const DIRECTORY = fileURLToPath(new URL('../../../test/histories', import.meta.url))

export interface RecordedHistory {
  readonly name: string
  readonly workflowId: string
  /** As Temporal's JSON has it. */
  readonly history: { readonly events: readonly Record<string, unknown>[] }
}

/**
 * Keeps the history of a closed workflow under `<type>.<outcome>` when RECORD_HISTORIES is set:
 * `RECORD_HISTORIES=1 npm run jest -- test/workflows`. What says where it was recorded is left out. One that is
 * there is of released code and stays: another course of events gets another name.
 * @param executionId the last execution where it is left out
 */
export async function record(
  client: Client,
  workflowId: string,
  name: string,
  executionId?: string,
): Promise<void> {
  const file = join(DIRECTORY, `${name}.json`)
  if (process.env['RECORD_HISTORIES'] === undefined || existsSync(file)) return
  const history = await client.workflow.getHandle(workflowId, executionId).fetchHistory()
  const json = historyToJSON(history).replaceAll(hostname(), 'localhost')
  const plain: unknown = JSON.parse(json, (key, value: unknown) => (key === 'stackTrace' ? '' : value))
  mkdirSync(DIRECTORY, { recursive: true })
  writeFileSync(file, `${JSON.stringify({ workflowId, history: plain })}\n`)
}

export function recordedHistories(): RecordedHistory[] {
  if (!existsSync(DIRECTORY)) return []
  return readdirSync(DIRECTORY)
    .filter(file => file.endsWith('.json'))
    .sort()
    .map(file => {
      const content = JSON.parse(readFileSync(join(DIRECTORY, file), 'utf8')) as Omit<RecordedHistory, 'name'>
      return { name: file.replace(/\.json$/, ''), ...content }
    })
}
