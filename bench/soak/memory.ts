import { mkdtempSync, rmSync } from 'node:fs'
import { peakResidentBytes } from '../../inference/peak-memory.js'
import { largeFile, MEMORY_LIMIT_BYTES } from '../data/memory.js'
import { mlforgeData } from '../data/tools.js'
import { report, type Row } from '../report.js'
import { type Stack, withStack } from '../stack.js'

const FILE_BYTES = 2 * 2 ** 30

interface Process {
  readonly name: string
  readonly pid: number
  readonly peakBytes: number
}

/**
 * A file of 2 GiB goes through client, API and workers, none of which takes more than 300 MB for it: the client with
 * all that it is, the others, which do more than that and have some 250 before, beside what they had.
 */
export async function soakMemory(): Promise<boolean> {
  const rows: Row[] = []
  const root = mkdtempSync('/var/tmp/mlforge-soak-memory-')
  try {
    await withStack(async stack => {
      const before = await processesOf(stack)
      const tool = mlforgeData(stack.rest.base, stack.key, () => 'memory')
      for (const [verb, { peakBytes }] of Object.entries(await largeFile(tool, root, FILE_BYTES))) {
        rows.push(row(`client, ${verb}`, peakBytes))
      }
      for (const { name, pid, peakBytes } of await processesOf(stack)) {
        const was = before.find(each => each.name === name)
        // Another one has not had what the first one died of.
        if (was?.pid !== pid) throw new Error(`${name} was started again meanwhile.`)
        rows.push(row(`${name}, more than before`, peakBytes - was.peakBytes, { peakBytes }))
      }
    })
  } finally {
    rmSync(root, { recursive: true, force: true })
  }
  report('memory', rows)
  return rows.every(({ ours, peer }) => ours <= peer)
}

function row(what: string, bytes: number, details?: Row['details']): Row {
  const limit = { peer: MEMORY_LIMIT_BYTES / 1e6, peerName: 'limit', aim: '<= 1' }
  const measured = { what: `most memory, ${what}: a file of 2 GiB`, unit: 'MB', ours: bytes / 1e6 }
  return { ...measured, ...limit, ...(details && { details }) }
}

async function processesOf({ endpoints }: Stack): Promise<Process[]> {
  const { processes } = await endpoints()
  return Object.entries(processes)
    .filter(([name]) => name === 'api' || name.startsWith('worker-'))
    .map(([name, { pid }]) => ({ name, pid, peakBytes: peakResidentBytes(pid) }))
}
