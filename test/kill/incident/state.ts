import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type JoinedConversion, joinedIdentity } from '../../../domain/retraining/set.js'
import { DUCKDB_VERSION, text, withDuckDb } from '../../../stores/duckdb/duckdb.js'
import { sha256Hex } from '../../../stores/ids.js'
import { LocalObjectStore } from '../../../stores/objects/local-object-store.js'
import { compareAnswers, some } from '../rollout/state.js'
import type { Answered } from '../rollout/traffic.js'
import type { KillStack } from '../stack.js'
import { trainingState } from '../training/state.js'
import { HOURS } from './scenario.js'

/**
 * What `mlforge check` says of an incident, of what led to it and of what it has done, with names and hashes
 * replaced of which any other play has others; and whether the data of its retraining and the prediction
 * log say what its client was told. Problems are those of the whole stack.
 */
export async function incidentState(
  stack: KillStack,
  name: string,
  csv: string,
  answers: readonly Answered[],
) {
  const checked = await trainingState(stack, name, csv, false)
  const set = await newestSet(stack, name)
  const identity = sha256Hex(joinedIdentity(set.conversion.joined, DUCKDB_VERSION))
  const replaced = JSON.stringify(checked).replaceAll(identity, '<root of set>')
  return {
    ...(JSON.parse(replaced) as typeof checked),
    set: await compareSet(stack, set, answers),
    answers: await compareAnswers(stack, name, answers),
  }
}

export type FinalState = Awaited<ReturnType<typeof incidentState>>

interface RetrainingSet {
  readonly uri: string
  readonly conversion: JoinedConversion
}

async function newestSet(stack: KillStack, name: string): Promise<RetrainingSet> {
  const [set] = await stack.query<RetrainingSet>(
    `SELECT v.parquet->>'uri' AS uri, v.conversion FROM dataset_versions v JOIN datasets d ON d.id = v.dataset_id
     WHERE d.name = $1 ORDER BY v.version DESC LIMIT 1`,
    [name],
  )
  if (set?.conversion.joined === undefined) throw new Error(`No predictions were joined to dataset ${name}.`)
  return set
}

/** One row for each prediction that was answered in the set's time, and no other. */
async function compareSet(
  stack: KillStack,
  { uri, conversion: { joined } }: RetrainingSet,
  answers: readonly Answered[],
) {
  const found = await hoursOf(stack, uri)
  const asked = new Set(answers.map(({ id }) => id))
  const wanted = HOURS.filter(({ id, eventTime }) => asked.has(id) && eventTime < joined.until)
  const times = new Set(wanted.map(({ eventTime }) => eventTime))
  const foundTimes = new Set(found)
  const ofTime = (time: number) => ({ id: new Date(time).toISOString() })
  return {
    until: joined.until,
    predictions: joined.rows,
    wanted: wanted.length,
    lost: some(wanted.filter(({ eventTime }) => !foundTimes.has(eventTime))),
    doubled: some(found.filter((time, at) => found.indexOf(time) !== at).map(ofTime)),
    strange: some(found.filter(time => time >= HOURS[0]!.eventTime && !times.has(time)).map(ofTime)),
  }
}

/** Event times of a table's rows. */
async function hoursOf(stack: KillStack, uri: string): Promise<number[]> {
  const directory = await mkdtemp(join(tmpdir(), 'mlforge-kill-'))
  try {
    const file = await new LocalObjectStore(stack.endpoints().objects).toFile(uri, directory)
    const sql = `SELECT epoch_ms(dteday::TIMESTAMP) + hr::BIGINT * 3600000 AS time FROM read_parquet(${text(file)})`
    const rows = await withDuckDb({ temporaryDirectory: directory }, db => db.query(sql))
    return rows.map(({ time }) => Number(time))
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}
