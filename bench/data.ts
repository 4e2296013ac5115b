// Versioning files by the command line: `mlforge data` on a stack of its own, beside the real dvc with a remote on
// the same disk, or with `--bucket` both with a bucket of the same S3 server. One large file and many small ones, at two
// sizes: `node dist/bench/data.js [--rounds=n] [--bucket] [--memory]`.
// `--memory` adds and pushes a file of 2 GiB instead, and prints how much memory that took.
import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs, promisify } from 'node:util'
import { largeFile } from './data/memory.js'
import { bucketRemote, DIRECTORY, dvc, type Measured, mlforgeData, type Tool } from './data/tools.js'
import { median, report, type Row } from './report.js'
import { withStack } from './stack.js'
import { Versity } from '../test/stores/objects/support/versity.js'
import { dvcPython } from '../test/support/dvc.js'

const run = promisify(execFile)
const MIB = 2 ** 20
const LARGE_BYTES = 256 * MIB
const SMALL_FILES = 5_000
const SMALL_BYTES = 4 * 1024
const INSERTED = 'nine more'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    bucket: { type: 'boolean', default: false },
    memory: { type: 'boolean', default: false },
  },
})

interface Figures {
  readonly addPush: Measured[]
  readonly noPush: Measured[]
  readonly status: Measured[]
  readonly pull: Measured[]
  readonly again: Measured[]
  readonly moved: number[]
}

// On the disk of the stack and of the remote of dvc. Removed at the end only: where thousands of files have just been
// removed, ext4 is several times slower at making others.
const root = mkdtempSync('/var/tmp/mlforge-bench-data-')
let serial = 0
const server = values.bucket ? await Versity.start() : null
// The stack is given them.
if (server !== null) Object.assign(process.env, server.environment())
try {
  await withStack(async ({ rest, key }) => {
    const ours = mlforgeData(rest.base, key, () => `bench-${++serial}`)
    if (values.memory) return memory(ours)
    const tools = [ours, dvc(await dvcPython(), server === null ? DIRECTORY : bucketRemote(server))]
    const rows: Row[] = []
    for (const share of [1 / 8, 1]) {
      const bytes = LARGE_BYTES * share
      const files = SMALL_FILES * share
      rows.push(
        ...(await beside(tools, `one file of ${bytes / MIB} MiB`, '<= 0.333', directory =>
          large(directory, bytes),
        )),
        ...(await beside(tools, `${files} files of 4 KiB`, '<= 0.1', directory => small(directory, files))),
      )
    }
    report(server === null ? 'data-beside-dvc' : 'data-beside-dvc-s3', rows)
  })
} finally {
  await server?.close()
  rmSync(root, { recursive: true, force: true })
}

async function beside(
  tools: readonly Tool[],
  what: string,
  aim: string,
  write: (directory: string) => () => void,
): Promise<Row[]> {
  const found = new Map<string, Figures>()
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const tool of tools) {
      const figures = found.get(tool.name) ?? {
        addPush: [],
        noPush: [],
        status: [],
        pull: [],
        again: [],
        moved: [],
      }
      found.set(tool.name, figures)
      await once(tool, join(root, `${++serial}`), write, figures)
    }
  }
  const [ours, peer] = tools.map(({ name }) => found.get(name)!) as [Figures, Figures]
  const row = (verb: string, of: (figures: Figures) => readonly Measured[], goal: string): Row => ({
    what: `${verb}: ${what}`,
    unit: 's',
    ours: median(of(ours).map(({ seconds }) => seconds)),
    peer: median(of(peer).map(({ seconds }) => seconds)),
    peerName: tools[1]!.name,
    aim: goal,
    details: {
      seconds: of(ours).map(({ seconds }) => seconds),
      peerSeconds: of(peer).map(({ seconds }) => seconds),
      peakMiB: Math.max(...of(ours).map(({ peakBytes }) => peakBytes)) / MIB,
      peerPeakMiB: Math.max(...of(peer).map(({ peakBytes }) => peakBytes)) / MIB,
    },
  })
  return [
    row('add and push', ({ addPush }) => addPush, aim),
    row('push, nothing new', ({ noPush }) => noPush, '<= 0.1'),
    row('status, nothing new', ({ status }) => status, '<= 0.1'),
    row('pull', ({ pull }) => pull, aim),
    row('add and push again, changed', ({ again }) => again, aim),
    {
      what: `moved, 9 bytes inserted: ${what}`,
      unit: 'bytes',
      ours: median(ours.moved),
      peer: median(peer.moved),
      peerName: tools[1]!.name,
      aim: '<= 0.03 of the large file',
    },
  ]
}

/** @param write fills a directory, and answers with what changes it by a few bytes */
async function once(
  tool: Tool,
  directory: string,
  write: (directory: string) => () => void,
  { addPush, noPush, status, pull, again, moved }: Figures,
): Promise<void> {
  mkdirSync(directory)
  await tool.init(directory)
  mkdirSync(join(directory, 'data'), { recursive: true })
  const change = write(join(directory, 'data'))
  // What was written before is on the disk: nobody waits for the writes of somebody else.
  const rested = async <T>(work: () => Promise<T>): Promise<T> => {
    await run('sync')
    return work()
  }
  const pushed = async () => {
    const added = await rested(() => tool.add(directory))
    const sent = await tool.push(directory)
    return {
      sent,
      both: {
        ...sent,
        seconds: added.seconds + sent.seconds,
        peakBytes: Math.max(added.peakBytes, sent.peakBytes),
      },
    }
  }
  const first = await pushed()
  tool.moved(directory, first.sent)
  addPush.push(first.both)
  noPush.push(await rested(() => tool.push(directory)))
  status.push(await rested(() => tool.status(directory)))
  pull.push(await rested(() => tool.pull(directory, `${directory}-clone`)))
  change()
  const second = await pushed()
  again.push(second.both)
  moved.push(tool.moved(directory, second.sent))
}

function large(directory: string, bytes: number): () => void {
  const file = join(directory, 'large.bin')
  const content = randomBytes(bytes)
  writeFileSync(file, content)
  const at = bytes / 2
  return () =>
    writeFileSync(file, Buffer.concat([content.subarray(0, at), Buffer.from(INSERTED), content.subarray(at)]))
}

function small(directory: string, files: number): () => void {
  for (let i = 0; i < files; i++) writeFileSync(join(directory, `${i}.bin`), randomBytes(SMALL_BYTES))
  const file = join(directory, '7.bin')
  return () => writeFileSync(file, `${INSERTED}${readFileSync(file, 'latin1')}`, 'latin1')
}

async function memory(tool: Tool): Promise<void> {
  const mib = ({ peakBytes, seconds }: Measured) => ({ MiB: Math.round(peakBytes / MIB), seconds })
  const { add, push, pull } = await largeFile(tool, root, 2048 * MIB)
  console.table({ add: mib(add), push: mib(push), pull: mib(pull) })
}
