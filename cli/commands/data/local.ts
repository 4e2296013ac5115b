import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import { join, relative, resolve } from 'node:path'
import type { Command } from 'commander'
import { MlforgeError } from '../../../domain/errors.js'
import { NAME_PATTERN, NAME_RULE } from '../../../domain/names.js'
import { pin, readLock } from '../../../sdk/data/lock-file.js'
import { WorkingCopy } from '../../../sdk/data/working-copy.js'
import { codeState } from '../../../sdk/git.js'
import { gitAuthor, hooksDirectory, ignoreInGit } from './git.js'
import { count, progressLine, size } from './output.js'

/** What needs no server. */
export function localCommands(data: Command): void {
  data
    .command('init <dataset> [directory]')
    .description('make a directory the working directory of a dataset')
    .option('--branch <name>', 'that its versions are for', 'main')
    .action((dataset: string, directory = '.', { branch }: { branch: string }) => {
      if (!NAME_PATTERN.test(dataset)) {
        throw new MlforgeError('invalid_request', `"${dataset}" cannot name a dataset. Use ${NAME_RULE}.`)
      }
      const { root, head } = WorkingCopy.init(directory, dataset, branch)
      console.log(`${root} is a working directory of dataset "${dataset}", branch "${head.branch}".`)
      const ignored = ignoreInGit(root)
      if (ignored !== null) console.log(`Its files are kept out of git by ${ignored}.`)
    })

  data
    .command('add [paths...]')
    .description('take files into the next commit as they are now; all of them where none are named')
    .action(async (paths: string[]) => {
      const copy = here()
      const line = progressLine('reading')
      const wanted = paths.length === 0 ? 'all' : paths.map(path => fromRoot(copy, path))
      const added = await copy.add(wanted, { onProgress: bytes => line.show(bytes, bytes) })
      line.end()
      const { unchanged, bytesRead, removed } = added
      console.log(
        `${added.added} added, ${added.changed} changed, ${removed} removed, ${unchanged} unchanged; ${size(bytesRead)} read`,
      )
    })

  data
    .command('status')
    .description('compare what git pins, what is committed, what was added, and the files')
    .option('--json', 'as JSON')
    .action(async ({ json }: { json?: boolean }) => {
      const copy = here()
      const status = await copy.status()
      const pinned = readLock(copy.root)?.datasets[copy.dataset] ?? null
      if (json === true) {
        console.log(JSON.stringify({ dataset: copy.dataset, pinned, ...status }, null, 2))
        return
      }
      const { head, staged, unstaged, untracked, problems } = status
      const drafts = copy.drafts().length
      const at = head.version === null ? 'no version yet' : `version ${head.version}`
      console.log(
        `${copy.dataset}, branch ${head.branch}, ${at}${drafts > 0 ? `, ${count(drafts, 'commit')} to push` : ''}`,
      )
      if (pinned !== null && pinned.version !== head.version) {
        console.log(`git pins version ${pinned.version}: mlforge data checkout brings it`)
      } else if (pinned !== null && head.draft === null && pinned.manifest !== head.manifest) {
        console.log(`git pins other files of version ${pinned.version}: they are of another server`)
      }
      if (status.isInterrupted) console.log('A checkout was interrupted: do it again.')
      list('To be committed:', [
        ...staged.added.map(path => `added    ${path}`),
        ...staged.changed.map(path => `changed  ${path}`),
        ...staged.removed.map(path => `removed  ${path}`),
      ])
      list('Not added:', [
        ...unstaged.changed.map(path => `changed  ${path}`),
        ...unstaged.removed.map(path => `removed  ${path}`),
        ...untracked.map(path => `new      ${path}`),
      ])
      list(
        'In the way:',
        problems.map(({ at: path, message }) => `${path}: ${message}`),
      )
      const clean = [
        staged.added,
        staged.changed,
        staged.removed,
        unstaged.changed,
        unstaged.removed,
        untracked,
      ]
      if (clean.every(paths => paths.length === 0) && problems.length === 0)
        console.log('Nothing has changed.')
    })

  data
    .command('commit')
    .description('record what was added; push makes it a version')
    .requiredOption('-m, --message <text>', 'what has changed, and why')
    .option('-a, --all', 'add everything first')
    .option('--author <name>', 'who commits; as git knows you where left out')
    .action(async ({ message, all, author }: { message: string; all?: boolean; author?: string }) => {
      const copy = here()
      if (all === true) await copy.add('all')
      await commitHere(copy, message, author, copy.root)
    })

  data
    .command('install-hook')
    .description('check data out with the code: a post-checkout hook of git')
    .action(async () => {
      const hooks = await hooksDirectory(process.cwd())
      if (hooks === null) throw new MlforgeError('wrong_state', 'This is not in a git repository.')
      const file = join(hooks, 'post-checkout')
      const line = 'mlforge data checkout --all'
      if (existsSync(file)) {
        throw new MlforgeError('already_exists', `${file} is there already. Add the line "${line}" to it.`)
      }
      // A template or core.hooksPath may name a directory that nobody has made yet.
      mkdirSync(hooks, { recursive: true })
      writeFileSync(file, `#!/bin/sh\n# The data that mlforge.lock pins.\n${line}\n`)
      chmodSync(file, 0o755)
      console.log(`${file} runs "${line}".`)
    })
}

/** The working copy of the current directory. */
export function here(): WorkingCopy {
  return WorkingCopy.open(process.cwd())
}

/**
 * Commits what was added, and says so.
 * @param author as git knows the user where left out
 * @param codeDirectory where the code is that belongs to it
 */
export async function commitHere(
  copy: WorkingCopy,
  message: string,
  author: string | undefined,
  codeDirectory: string,
): Promise<void> {
  const [code, known] = await Promise.all([codeState(codeDirectory), gitAuthor(copy.root)])
  const who = author ?? known ?? userInfo().username
  const draft = await copy.commit({ message, author: who, at: new Date(), code })
  console.log(`${draft.id.slice(0, 12)}: ${count(draft.files, 'file')}, ${size(draft.bytes)}`)
}

/** Pins what is checked out, where there is git. */
export function pinHead(copy: WorkingCopy): void {
  const { version, manifest, draft } = copy.head
  if (version === null || manifest === null || draft !== null) return
  if (pin(copy.root, copy.dataset, { version, manifest })) {
    console.log(`mlforge.lock pins ${copy.dataset} to version ${version}.`)
  }
}

function fromRoot({ root }: WorkingCopy, path: string): string {
  return relative(root, resolve(path)) || '.'
}

function list(title: string, lines: readonly string[]): void {
  if (lines.length === 0) return
  console.log(title)
  const shown = lines.slice(0, 50)
  for (const line of shown) console.log(`  ${line}`)
  if (lines.length > shown.length) console.log(`  and ${lines.length - shown.length} more`)
}
