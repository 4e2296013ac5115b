import { execFile } from 'node:child_process'
import { createReadStream, createWriteStream, readdirSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { constants, createBrotliCompress, createBrotliDecompress } from 'node:zlib'
import type { VerbAccepted } from '../../contracts/rest/rollouts.js'
import type { Answer } from './traffic.js'

const run = promisify(execFile)

/** Beside the sources: what is recorded is committed. */
const STATES = fileURLToPath(new URL('../../../test/upgrade/states', import.meta.url))

/** Name of the state directory within an archive. */
export const STATE = 'state'

/** File beside the state directory that says what is in it. */
export const RECORDED = 'recorded.json'

/** Beside both: what `mlforge backup` made a little earlier, unzipped. */
export const BACKUP = 'backup.tar'

/** What clients of the recorded stack were told, and what they had asked for. */
export interface Recorded {
  /** Newest commit of the code that made it. */
  readonly commit: string
  readonly recordedAt: string
  /** A training in the middle, and its newest checkpoint when everything was killed. */
  readonly training: { readonly id: string; readonly round: number }
  /** Asked for while Temporal was away: its start is owed. */
  readonly accepted: { readonly id: string }
  readonly schedule: string
  /** A canary that somebody has paused, by a verb with a key. */
  readonly canary: {
    readonly id: string
    readonly version: number
    readonly pause: { readonly key: string; readonly answer: VerbAccepted }
  }
  /** A rollout that has all traffic and waits for the verb that ends its pause. */
  readonly blueGreen: { readonly id: string; readonly stable: number }
  /** Waits for labelled rows. */
  readonly incident: { readonly id: string; readonly message: string }
  /** All answers by deployment; the last of the canary's were given a moment before the end. */
  readonly answers: Readonly<Record<string, readonly Answer[]>>
}

export function recordedStates(): { commit: string; archive: string }[] {
  return readdirSync(STATES)
    .filter(name => name.endsWith(SUFFIX))
    .sort()
    .map(name => ({ commit: name.slice(0, -SUFFIX.length), archive: join(STATES, name) }))
}

export const archiveOf = (commit: string): string => join(STATES, `${commit}${SUFFIX}`)

const SUFFIX = '.tar.br'
const TAR = 'archive.tar'

/** Brotli's window holds a whole database: those that Postgres copies from its template cost nothing. */
const COMPRESSION = {
  params: {
    [constants.BROTLI_PARAM_QUALITY]: 10,
    [constants.BROTLI_PARAM_LGWIN]: constants.BROTLI_MAX_WINDOW_BITS,
  },
}

/** Packs directories and files of `directory`; empty directories and modes are kept, owners are not. */
export async function pack(directory: string, names: readonly string[], archive: string): Promise<void> {
  const tar = join(directory, TAR)
  await run('tar', ['-cf', tar, '--owner=0', '--group=0', '--sort=name', '-C', directory, ...names])
  await pipeline(createReadStream(tar), createBrotliCompress(COMPRESSION), createWriteStream(archive))
  await rm(tar)
}

/** Unpacks an archive, with Postgres's files in the hands of the user that it runs as. */
export async function unpack(archive: string, directory: string): Promise<void> {
  const tar = join(directory, TAR)
  await pipeline(createReadStream(archive), createBrotliDecompress(), createWriteStream(tar))
  await run('tar', ['-xpf', tar, '--no-same-owner', '-C', directory])
  await rm(tar)
  if (process.getuid?.() === 0) await run('chown', ['-R', 'postgres:', join(directory, STATE, 'postgres')])
}
