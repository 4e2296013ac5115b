import { readFileSync } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'
import { MlforgeError } from '../../../../domain/errors.js'
import { DataClient } from '../../../../sdk/data/data-client.js'
import { WorkingCopy } from '../../../../sdk/data/working-copy.js'
import { Refused, Rest } from '../../../../sdk/rest.js'
import type { Moment } from '../case.js'
import type { Answer, ClientSettings, Command, FromClient } from '../protocol.js'

// Works in a directory as it is told to, and says where it is. It is there to be killed.

/** For files of a new table to be in packs. */
const PACKED_MS = 120_000

const { api, keyFile, dataset, root } = JSON.parse(process.argv[2] ?? '') as ClientSettings
const client = new DataClient(new Rest(api, readFileSync(keyFile, 'utf8').trim()))
const copy = WorkingCopy.init(root, dataset)

const tell = (message: FromClient): void => void process.send?.(message)
const say = (moment: Moment): void => tell({ moment })

async function commit({ message, author, at }: Command & { verb: 'commit' }): Promise<null> {
  // Killed after the commit, it is not made again.
  if (copy.drafts().at(-1)?.message === message) return null
  await copy.add('all', { onProgress: () => say('adding') })
  say('added')
  await copy.commit({ message, author, at: new Date(at) })
  say('committed')
  return null
}

async function push({ branch }: Command & { verb: 'push' }): Promise<null> {
  if (branch !== null) copy.switchTo(branch)
  await client.push(copy, { onProgress: () => say('sending') })
  say('sent')
  return null
}

async function pull({ selector }: Command & { verb: 'pull' }): Promise<string | null> {
  for (const end = Date.now() + PACKED_MS; ; await wait(100)) {
    const found = await client.find(dataset, selector)
    if (found === null) return null
    // As the error of a pull would say: try again in a minute.
    if (found.manifest === null && Date.now() < end) continue
    say('pulling')
    await client.pull(copy, String(found.version), { force: true, onProgress: () => say('writing') })
    return found.message
  }
}

async function work(command: Command): Promise<string | null> {
  switch (command.verb) {
    case 'commit':
      return commit(command)
    case 'push':
      return push(command)
    case 'pull':
      return pull(command)
  }
}

function problemOf(error: unknown): Answer['error'] {
  if (error instanceof Refused) return { code: error.problem.code, message: error.message }
  if (error instanceof MlforgeError) return { code: error.code, message: error.message }
  return { code: 'unknown', message: error instanceof Error ? (error.stack ?? error.message) : String(error) }
}

process.on('message', (command: Command) => {
  void work(command)
    .then(
      pulled => ({ pulled, error: null }),
      (error: unknown) => ({ pulled: null, error: problemOf(error) }),
    )
    .then(end => {
      const { branch, version } = copy.head
      tell({ answer: { ...end, branch, version, drafts: copy.drafts().map(({ message }) => message) } })
    })
})
// Whoever has started it is gone.
process.on('disconnect', () => process.exit())
