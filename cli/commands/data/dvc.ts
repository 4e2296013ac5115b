import { resolve } from 'node:path'
import type { Command } from 'commander'
import { DataClient } from '../../../sdk/data/data-client.js'
import { committedFiles, exportDvc, type FillCopy, versionFiles } from '../../../sdk/data/dvc/export.js'
import type { DvcOptions } from '../../../sdk/data/dvc/import.js'
import { connect } from '../../connect.js'
import { commitHere, here } from './local.js'
import { count, progressLine, size, told, transferLine } from './output.js'
import { openS3Remote } from './s3-remote.js'

/** From DVC, and back to it. */
export function dvcCommands(data: Command): void {
  data
    .command('import-dvc [repository]')
    .description(
      'commit what a repository of DVC tracks, out of its cache, or a remote on this machine or in S3',
    )
    .option('-m, --message <text>', 'what is imported, and why')
    .option('--author <name>', 'who commits; as git knows you where left out')
    .action(async (repository = '.', { message, author }: { message?: string; author?: string }) => {
      const copy = here()
      const imported = await shown('imported', options =>
        copy.importDvc(repository, { ...options, openRemote: openS3Remote }),
      )
      const { added, changed, removed, unchanged, bytes, leftOut } = imported
      console.log(
        `${added} added, ${changed} changed, ${removed} removed, ${unchanged} unchanged; ${size(bytes)} in DVC`,
      )
      for (const { at, message: why } of leftOut) console.log(`left out: ${at}: ${why}`)
      const { done } = await copy.diff().next()
      if (done === true) console.log('Nothing has changed since the last commit.')
      else await commitHere(copy, message ?? `Import of ${resolve(repository)}`, author, repository)
    })

  data
    .command('export-dvc <directory> [version]')
    .description('write what is committed here, or a version such as images@3, as a repository of DVC')
    .action(async (directory: string, version: string | undefined) => {
      const done = await shown('hashed', async options => {
        if (version === undefined) {
          const copy = here()
          return exportDvc(directory, copy.dataset, committedFiles(copy), options)
        }
        const [dataset = '', selector = 'latest'] = version.split('@')
        return exportDvc(directory, dataset, await pulling(selector), options)
      })
      const { files, bytes, executable } = done
      console.log(`${done.directory}: ${count(files, 'file')}, ${size(bytes)}. In it, dvc pull brings them.`)
      if (executable > 0) {
        console.log(`${count(executable, 'file')} may be executed, which DVC does not record in a directory.`)
      }
    })
}

async function pulling(selector: string): Promise<FillCopy> {
  const client = new DataClient(await connect())
  return async copy => {
    const line = transferLine('written')
    try {
      return await told(versionFiles(client, selector, { onProgress: line.show })(copy))
    } finally {
      line.end()
    }
  }
}

async function shown<T>(what: string, work: (options: DvcOptions) => Promise<T>): Promise<T> {
  const line = progressLine(what)
  try {
    return await work({
      onProgress: ({ files, bytes, totalFiles, totalBytes }) =>
        line.show(bytes, totalBytes, { done: files, total: totalFiles }),
    })
  } finally {
    line.end()
  }
}
