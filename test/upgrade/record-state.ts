import { execFile } from 'node:child_process'
import { createReadStream, createWriteStream } from 'node:fs'
import { chmod, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { createGunzip } from 'node:zlib'
import pg from 'pg'
import type { Training } from '../../contracts/rest/trainings.js'
import { Rest } from '../../sdk/rest.js'
import { groupMembers, isAlive, type ProcessIdentity, until } from '../../infra/launcher/proc.js'
import { readState } from '../../infra/launcher/state.js'
import { mlforge } from '../support/servers.js'
import { archiveOf, BACKUP, pack, RECORDED, type Recorded, STATE } from './recorded.js'
import { OpenWork } from './work.js'

// Records a state directory with open work, as a machine that lost its power leaves it:
//   make build; node --enable-source-maps dist/test/upgrade/record-state.js

const ROOT = fileURLToPath(new URL('../../../', import.meta.url))
const SHIPPED =
  'activities api cli config contracts domain inference infra serving stores trainers worker workflows'

/** Of no use to who goes on: what was done is in the database, what was half done is done again. */
const LEFT_OUT = ['logs', 'scratch', 'postgres/postmaster.opts']

const directory = await mkdtemp('/var/tmp/mlforge-record-')
await chmod(directory, 0o755)
const stateDirectory = join(directory, STATE)
try {
  const commit = await shippedCommit()
  await mlforge(stateDirectory, ['up'])
  const recorded = await record(commit)
  for (const name of LEFT_OUT) await rm(join(stateDirectory, name), { recursive: true, force: true })
  await writeFile(join(directory, RECORDED), `${JSON.stringify(recorded, null, 1)}\n`)
  const archive = archiveOf(commit)
  await mkdir(dirname(archive), { recursive: true })
  // The objects of both lie side by side, and are stored once.
  await pack(directory, [RECORDED, BACKUP, STATE], archive)
  console.log(`${archive}: ${(await stat(archive)).size} bytes`)
} finally {
  await mlforge(stateDirectory, ['clean'])
  await rm(directory, { recursive: true, force: true })
}

/** The newest commit of what runs: a state must be that of code which somebody can have. */
async function shippedCommit(): Promise<string> {
  const git = async (...args: string[]) => {
    const { stdout } = await promisify(execFile)('git', [...args, '--', ...SHIPPED.split(' ')], { cwd: ROOT })
    return stdout.trim()
  }
  const changed = await git('status', '--porcelain')
  if (changed !== '') throw new Error(`Commit what has changed first:\n${changed}`)
  return git('log', '-1', '--format=%h')
}

async function record(commit: string): Promise<Recorded> {
  const { api, serving, postgresUrl, keyFile } = JSON.parse(
    await readFile(join(stateDirectory, 'endpoints.json'), 'utf8'),
  ) as Record<'api' | 'serving' | 'postgresUrl' | 'keyFile', string>
  const key = (await readFile(keyFile, 'utf8')).trim()
  const rest = new Rest(api, key)
  const work = new OpenWork(rest, new Rest(serving, key))
  const open = await work.begin()
  console.log(open.incident.message)
  const id = await work.trainLong()
  await backup()
  const { supervisor, children } = readState(stateDirectory)
  // Nobody starts Temporal again.
  await kill(supervisor!)
  await kill(children['temporal']!)
  const accepted = await work.accept()
  // The less of the write-ahead log is needed, the smaller is the archive.
  await checkpoint(postgresUrl)
  const { checkpoints } = await rest.get<Training>(`/v1/trainings/${id}`)
  await work.askLast()
  await Promise.all(Object.values(children).filter(isAlive).map(kill))
  return {
    commit,
    recordedAt: new Date().toISOString(),
    ...open,
    training: { id, round: checkpoints[0]!.round },
    accepted,
    answers: work.allAnswers(),
  }
}

async function backup(): Promise<void> {
  const [zipped, file] = [join(directory, 'backup.tar.gz'), join(directory, BACKUP)]
  await mlforge(stateDirectory, ['backup', zipped])
  await pipeline(createReadStream(zipped), createGunzip(), createWriteStream(file))
}

/** SIGKILL for a process and its group, as when the power fails. */
async function kill(victim: ProcessIdentity): Promise<void> {
  process.kill(-victim.pid, 'SIGKILL')
  const isGone = () => groupMembers(victim, stateDirectory).length === 0
  if (!(await until(isGone, 10_000))) throw new Error(`Process ${victim.pid} does not end.`)
}

async function checkpoint(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await client.query('CHECKPOINT')
  } finally {
    await client.end()
  }
}
