import { createReadStream } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { type Command, Option } from 'commander'
import { MlforgeError } from '../../../domain/errors.js'
import { said } from '../../../sdk/data/said.js'
import { DataCatalogue } from '../../../sdk/data/data-catalogue.js'
import { DataClient, type Pulled, type PullOptions } from '../../../sdk/data/data-client.js'
import { directoryOf, type Pinned, readLock } from '../../../sdk/data/lock-file.js'
import { WorkingCopy } from '../../../sdk/data/working-copy.js'
import { connect } from '../../connect.js'
import { here, pinHead } from './local.js'
import { count, size, told, transferLine } from './output.js'
import { showTableChanges } from './table-changes.js'

interface PullFlags {
  readonly force?: boolean
  readonly rebase?: boolean
}

/** What is between a working directory and a server. */
export function remoteCommands(data: Command): void {
  data
    .command('push')
    .description('make commits versions of their branch')
    .addOption(
      new Option('--branch <name>', 'another branch, which is made where it is not there').conflicts(
        'restore',
      ),
    )
    .option('--restore', 'send what a verification has found to be lost of the version that is checked out')
    .action(async ({ branch, restore = false }: { branch?: string; restore?: boolean }) => {
      const copy = here()
      if (branch !== undefined) copy.switchTo(branch)
      const client = new DataClient(await connect())
      const line = transferLine('sent')
      if (restore) {
        const { version, sent } = await told(client.restore(copy, { onProgress: line.show }))
        line.end()
        console.log(
          sent === 0
            ? `Nothing of version ${version} of ${copy.dataset} is known to be lost.`
            : `${size(sent)} sent of what version ${version} of ${copy.dataset} had lost`,
        )
        return
      }
      const pushed = await told(client.push(copy, { onProgress: line.show }))
      line.end()
      for (const { version, branch: on, created, sent } of pushed) {
        const what = created ? `version ${version}` : `version ${version}, which had these files already`
        console.log(`${copy.dataset}: ${what} on branch ${on}; ${size(sent)} sent`)
      }
      if (pushed.length > 0) {
        pinHead(copy)
        return
      }
      const head = await told(client.find(copy.dataset, copy.head.branch))
      const isBehind = head !== null && head.version !== copy.head.version
      console.log(`Nothing to push.${isBehind ? ` The branch is at version ${head.version}: pull it.` : ''}`)
    })

  data
    .command('pull [version]')
    .description('check out the newest version of the branch, or the one that is named')
    .option('--force', 'overwrite changes that are not committed')
    .option('--rebase', 'put what was committed here on top of the newest version of the branch')
    .action(async (version: string | undefined, { force = false, rebase = false }: PullFlags) => {
      const copy = here()
      if (rebase) {
        const done = await told(new DataClient(await connect()).rebase(copy))
        say(copy, done)
        if (done.draft !== null)
          console.log(`What was committed here is on top of it: ${done.draft.id.slice(0, 12)}`)
        pinHead(copy)
        return
      }
      say(copy, await bring(copy, version ?? null, force))
      pinHead(copy)
    })

  data
    .command('checkout [version]')
    .description('check out a version; the one that mlforge.lock pins where none is named')
    .option('--all', 'every dataset that mlforge.lock pins')
    .option('--force', 'overwrite changes that are not committed')
    .action(
      async (
        version: string | undefined,
        { all = false, force = false }: { all?: boolean; force?: boolean },
      ) => {
        if (all) return checkOutAll(force)
        const copy = here()
        const pinned = readLock(copy.root)?.datasets[copy.dataset]
        if (version === undefined && pinned === undefined) {
          throw new MlforgeError(
            'invalid_request',
            `No mlforge.lock pins dataset "${copy.dataset}". Name a version, or pull the newest one.`,
          )
        }
        const brought = version ? bring(copy, version, force) : bringPinned(copy, pinned!, force)
        say(copy, await brought)
        if (version !== undefined) pinHead(copy)
      },
    )

  data
    .command('diff [from] [to]')
    .description('what has changed: of what was added; or from one version to another, with their tables')
    .option('--dataset <name>', 'of two versions of another than that of the working directory')
    .action(async (from: string | undefined, to = 'latest', { dataset }: { dataset?: string }) => {
      if (from === undefined) {
        for await (const { change, path } of here().diff()) console.log(`${change.padEnd(8)} ${path}`)
        return
      }
      const name = dataset ?? here().dataset
      const catalogue = new DataCatalogue(await connect())
      await told(showFileChanges(catalogue.diff(name, from, to)))
      const { table } = await told(catalogue.tableDiff(name, from, to))
      if (table !== null) showTableChanges(table)
    })

  data
    .command('log')
    .description('versions, the newest first')
    .option('--limit <number>', 'how many', '20')
    .action(async ({ limit }: { limit: string }) => {
      const { dataset } = here()
      const versions = await told(new DataCatalogue(await connect()).versions(dataset, Number(limit)))
      for (const { version, branch, createdAt, author, files, bytes, rows, message, code } of versions) {
        const content =
          rows === null ? `${count(files ?? 0, 'file')}, ${size(bytes ?? 0)}` : count(rows, 'row')
        const at =
          code === null ? '' : `, code ${code.commit.slice(0, 12)}${code.dirty ? ' with changes' : ''}`
        console.log(`version ${version}  ${branch}  ${createdAt}  ${author ?? ''}  ${content}${at}`)
        if (message !== null) console.log(`    ${message}`)
      }
    })

  refCommand(data, 'tag')
  refCommand(data, 'branch')

  data
    .command('get <version> <path>')
    .description('one file of a version, such as: get images@3 labels.csv')
    .option('-o, --output <file>', 'where it is written; the standard output where left out')
    .action(async (selected: string, path: string, { output }: { output?: string }) => {
      const [dataset = '', selector = 'latest'] = selected.split('@')
      const client = new DataClient(await connect())
      if (output !== undefined) {
        await told(client.fileTo(dataset, selector, path, output))
        return
      }
      // Whole before the first byte is printed: a broken connection begins anew.
      const directory = await mkdtemp(join(tmpdir(), 'mlforge-get-'))
      try {
        const file = join(directory, 'file')
        await told(client.fileTo(dataset, selector, path, file))
        await pipeline(createReadStream(file), process.stdout, { end: false }).catch((error: unknown) => {
          // Whoever reads has enough, as `head` does.
          if ((error as NodeJS.ErrnoException).code !== 'EPIPE') throw said(error)
        })
      } finally {
        await rm(directory, { recursive: true, force: true })
      }
    })
}

function refCommand(data: Command, kind: 'tag' | 'branch'): void {
  const what = kind === 'tag' ? 'name a version' : 'commit for another branch from now on'
  const command = data
    .command(kind === 'tag' ? 'tag [name] [version]' : 'branch [name]')
    .description(`${what}; without a name list what there is`)
    .option('--delete', 'remove it; its versions stay')
  command.action(async (name: string | undefined, ...more: unknown[]) => {
    const copy = here()
    const { dataset, head } = copy
    const { delete: isRemoved } = command.opts<{ delete?: boolean }>()
    if (name !== undefined && kind === 'branch' && isRemoved !== true) {
      copy.switchTo(name)
      console.log(`What is committed next is for branch "${name}".`)
      return
    }
    const rest = await connect()
    const catalogue = new DataCatalogue(rest)
    if (name === undefined) {
      for (const ref of await told(catalogue.refs(dataset, kind))) {
        const isHere = kind === 'branch' && ref.name === head.branch
        console.log(`${isHere ? '*' : ' '} ${ref.name}  version ${ref.version}`)
      }
    } else if (isRemoved === true) {
      await told(catalogue.removeRef(dataset, kind, name))
    } else {
      const selector = typeof more[0] === 'string' ? more[0] : String(head.version ?? 'latest')
      const { version } = await told(new DataClient(rest).version(dataset, selector))
      await told(catalogue.tag(dataset, name, version))
      console.log(`${name} is version ${version}.`)
    }
  })
}

async function showFileChanges(changes: ReturnType<DataCatalogue['diff']>): Promise<void> {
  for await (const { change, path, from, to } of changes) {
    const bytes = (to?.bytes ?? 0) - (from?.bytes ?? 0)
    console.log(`${change.padEnd(8)} ${path}  ${bytes > 0 ? '+' : ''}${bytes}`)
  }
}

function bringPinned(copy: WorkingCopy, { version, manifest }: Pinned, force: boolean): Promise<Pulled> {
  return bring(copy, String(version), force, { manifest })
}

async function bring(
  copy: WorkingCopy,
  selector: string | null,
  force: boolean,
  more: Pick<PullOptions, 'manifest'> = {},
): Promise<Pulled> {
  const line = transferLine('checked out')
  const client = new DataClient(await connect())
  try {
    return await told(client.pull(copy, selector, { force, onProgress: line.show, ...more }))
  } finally {
    line.end()
  }
}

async function checkOutAll(force: boolean): Promise<void> {
  const lock = readLock(process.cwd())
  const pinned = Object.entries(lock?.datasets ?? {})
  const directories = new Map(pinned.map(([dataset, each]) => [dataset, directoryOf(lock!, each)]))
  for (const [dataset, each] of pinned) {
    const copy = WorkingCopy.init(directories.get(dataset)!, dataset)
    say(copy, await bringPinned(copy, each, force))
  }
}

function say({ dataset }: WorkingCopy, { version, written, removed, bytesWritten }: Pulled): void {
  console.log(
    `${dataset}: version ${version}; ${count(written, 'file')} written (${size(bytesWritten)}), ${removed} removed`,
  )
}
