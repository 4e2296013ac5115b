import type { Command } from 'commander'
import { EXIT } from '../../report.js'

/** Works on the stores themselves, with the API or without. */
export function fsckCommand(data: Command): void {
  data
    .command('fsck')
    .description('compare the catalogue of data with the object store; exit code 1 when something is wrong')
    .option(
      '--rebuild',
      'first make rows of the packs, versions, branches, tags, suites and transformations that the object store alone has',
    )
    .option('--json', 'everything as JSON')
    .action(async ({ rebuild, json }: { rebuild?: boolean; json?: boolean }) => {
      // Loaded here, so that other commands start without configuration and TypeORM.
      const { runningStackConfig } = await import('../../running-stack.js')
      const config = runningStackConfig()
      await import('reflect-metadata')
      const { fsckData } = await import('../../../infra/launcher/data-fsck.js')
      const report = await fsckData(config, { rebuild: rebuild === true })
      if (json === true) console.log(JSON.stringify(report, null, 2))
      else {
        if (report.rebuilt !== null) {
          const { packs, versions, refs, suites, transformations } = report.rebuilt
          console.log(`${packs} packs read, ${versions} versions and ${refs} branches and tags restored`)
          console.log(`${suites} versions of suites and ${transformations} of transformations restored`)
        }
        for (const { code, at, message } of report.problems) console.log(`PROBLEM ${code} ${at}: ${message}`)
        if (report.ok) console.log('Nothing is wrong.')
      }
      if (!report.ok) process.exitCode = EXIT.failed
    })
}
