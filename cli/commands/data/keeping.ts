import type { Command } from 'commander'
import { MlforgeError } from '../../../domain/errors.js'
import { DataCatalogue } from '../../../sdk/data/data-catalogue.js'
import { connect } from '../../connect.js'
import { EXIT } from '../../report.js'
import { count, size, told } from './output.js'

type Seen = Awaited<ReturnType<DataCatalogue['collect']>>

/** What keeps data, and what removes it. */
export function keepingCommands(data: Command): void {
  data
    .command('gc')
    .description('find what no version needs; nothing is removed unless you say so')
    .option(
      '--execute [plan]',
      'remove what a plan of the last day says; what is found now where none is named',
    )
    .action(async ({ execute = false }: { execute?: boolean | string }) => {
      const catalogue = new DataCatalogue(await connect())
      let isTold = false
      const seen = ({ id: run, executes, plannedAt, endedAt }: Seen): void => {
        if (isTold || !executes || plannedAt === null || endedAt !== null) return
        isTold = true
        console.error(
          `Run ${run} removes what nobody takes up within data.graceMinutes. It goes on where this command is ended.`,
        )
      }
      const asked =
        typeof execute === 'string'
          ? catalogue.executeCollection(execute, seen)
          : catalogue.collect(execute, seen)
      const { id, plan, removed } = await told(asked)
      if (plan !== null) {
        const { packs, packBytes, repacks, repackBytes, repackLiveBytes, versions, ...objects } = plan
        console.log(`${count(versions, 'version')} to retire`)
        console.log(`${count(packs, 'pack')} of ${size(packBytes)} that nothing needs`)
        console.log(
          `${count(repacks, 'pack')} to write anew: ${size(repackLiveBytes)} of ${size(repackBytes)} needed`,
        )
        console.log(`${count(objects.unknownObjects, 'object')} that no pack is`)
        console.log(
          `${count(objects.tableObjects, 'object')} of tables, ${size(objects.tableBytes)}, that nothing needs`,
        )
      }
      if (removed !== null) {
        console.log(
          `removed ${count(removed.packs, 'pack')} of ${size(removed.bytes)}; ${removed.kept} are used by now`,
        )
      } else console.log(`Nothing was removed: mlforge data gc --execute ${id} does it.`)
    })

  data
    .command('verify [version]')
    .description('read everything, or a version such as images@3, and compare it with its hashes')
    .action(async (selected: string | undefined) => {
      const [dataset, version] = selected?.split('@') ?? []
      const of = { ...(dataset ? { dataset } : {}), ...(version ? { version } : {}) }
      const { found, report } = await told(new DataCatalogue(await connect()).verify(of))
      if (found === null) return
      const { packs, bytes, objects, damagedPacks, damagedObjects, lostChunks, lostObjects } = found
      console.log(`${count(packs, 'pack')} of ${size(bytes)} and ${count(objects, 'object')} read`)
      // What is lost already is damage no more, and is missing all the same.
      const [damaged, lost] = [damagedPacks + damagedObjects, lostChunks + lostObjects]
      if (damaged + lost === 0) {
        console.log('Nothing is damaged.')
        return
      }
      const healed = lost === 0 ? 'and healed' : `and ${lost} lost, which nothing here could heal`
      console.log(`${damaged} damaged, ${healed}`)
      for (const file of report.files) console.log(`  ${file.dataset}@${file.version} ${file.path}`)
      if (lost > 0) process.exitCode = EXIT.failed
    })

  data
    .command('purge <version>')
    .description('erase a version such as images@3: who, when and why stays')
    .requiredOption('--reason <text>', 'why')
    .action(async (selected: string, { reason }: { reason: string }) => {
      const [dataset, version] = selected.split('@')
      if (!dataset || !version) {
        throw new MlforgeError('invalid_request', `"${selected}" names no version. Write name@3.`)
      }
      const purged = await told(new DataCatalogue(await connect()).purge(dataset, version, reason))
      console.log(
        `${purged.dataset}@${purged.version} is erased; mlforge data gc --execute removes its chunks.`,
      )
    })
}
