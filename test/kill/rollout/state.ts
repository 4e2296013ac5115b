import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { withPredictions } from '../../../stores/duckdb/predictions.js'
import { LocalObjectStore } from '../../../stores/objects/local-object-store.js'
import type { KillStack } from '../stack.js'
import { MODEL } from './base.js'
import type { Answered } from './traffic.js'

/** Names of some, and how many there are. */
interface Some {
  readonly count: number
  readonly first: readonly string[]
}

/** What a client was told against what the platform has read. */
interface AnswersFound {
  readonly answered: number
  /** Answered and not there. */
  readonly lost: Some
  /** There more than once, though asked for once. */
  readonly doubled: Some
  /** There with another version or value only. */
  readonly contradicted: Some
}

/**
 * What `mlforge check` says of a deployment and its rollouts, with its name replaced, and whether the
 * prediction log says what its client was told. Problems are those of the whole stack.
 */
export async function rolloutState(stack: KillStack, deployment: string, answers: readonly Answered[]) {
  const { comparable } = await stack.check()
  const mine = {
    deployments: comparable.deployments.filter(({ name }) => name === deployment),
    runs: comparable.runs.filter(({ kind, name }) => kind === 'rollout' && name === deployment),
    effects: comparable.effects.filter(({ kind, name }) => kind === 'rollout' && name === deployment),
    models: comparable.models
      .filter(({ name }) => name === MODEL)
      .map(({ versions, aliases, aliasChanges }) => ({
        versions,
        aliases,
        aliasChanges: aliasChanges.filter(({ reason }) => reason.includes(`deployment ${deployment}:`)),
      })),
    problems: comparable.problems,
  }
  const text = JSON.stringify(mine).replaceAll(deployment, '<name>')
  return {
    ...(JSON.parse(text) as typeof mine),
    answers: await compareAnswers(stack, deployment, answers),
  }
}

export type RolloutState = Awaited<ReturnType<typeof rolloutState>>

export async function compareAnswers(
  stack: KillStack,
  deployment: string,
  answers: readonly Answered[],
): Promise<AnswersFound> {
  const records = await logged(stack, deployment)
  const of = (id: string) => records.get(id) ?? []
  return {
    answered: answers.length,
    lost: some(answers.filter(({ id }) => of(id).length === 0)),
    doubled: some(answers.filter(({ id, resent }) => !resent && of(id).length > 1)),
    contradicted: some(
      answers.filter(
        ({ id, version, value }) =>
          of(id).length > 0 && !of(id).some(record => record.version === version && record.output === value),
      ),
    ),
  }
}

export const some = (items: readonly { readonly id: string }[]): Some => ({
  count: items.length,
  first: items.slice(0, 5).map(({ id }) => id),
})

interface LoggedRecord {
  readonly id: string
  readonly version: number
  readonly output: number
}

/** All records of answers by their prediction, read from the files as every gate and window reads them. */
export async function logged(stack: KillStack, deployment: string): Promise<Map<string, LoggedRecord[]>> {
  const objects = new LocalObjectStore(stack.endpoints().objects)
  const files = await stack.query<{ uri: string }>(
    `SELECT uri FROM prediction_files f JOIN deployments d ON d.id = f.deployment_id
     WHERE d.name = $1 AND f.replaced_by IS NULL`,
    [deployment],
  )
  const directory = await mkdtemp(join(tmpdir(), 'mlforge-kill-'))
  try {
    const local = await Promise.all(files.map(({ uri }) => objects.toFile(uri, directory)))
    const rows = await withPredictions({ files: local }, { temporaryDirectory: directory }, db =>
      db.query(`SELECT id, version, output FROM logged WHERE role IN ('stable', 'candidate')`),
    )
    const records = new Map<string, LoggedRecord[]>()
    for (const row of rows as unknown as LoggedRecord[]) {
      records.set(row.id, [...(records.get(row.id) ?? []), row])
    }
    return records
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}
