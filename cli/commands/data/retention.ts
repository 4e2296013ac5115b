import type { Command } from 'commander'
import { MlforgeError } from '../../../domain/errors.js'
import { DataCatalogue } from '../../../sdk/data/data-catalogue.js'
import { connect } from '../../connect.js'
import { here } from './local.js'
import { count, told } from './output.js'

type Rule = Parameters<DataCatalogue['retain']>[1]

interface SetOptions {
  readonly dataset?: string
  readonly keepLast: string
  readonly keepDays: string
}

/** Which versions are kept that nothing names. */
export function retentionCommand(data: Command): void {
  const commands = data
    .command('retention')
    .description('which versions are kept; mlforge data gc retires the others')

  commands
    .command('list')
    .description('the datasets, and what is kept of each')
    .action(async () => {
      const datasets = new DataCatalogue(await connect()).datasets()
      // Asked for page by page.
      for (let next = await told(datasets.next()); next.done !== true; next = await told(datasets.next())) {
        console.log(ruleLine(next.value.name, next.value.retention))
      }
    })

  ofDataset(
    commands,
    'set',
    'keep these, and what a branch, a tag, a model or a run names; each rule alone keeps a version',
  )
    .option('--keep-last <versions>', 'the newest so many of each branch', '1')
    .option('--keep-days <days>', 'those that were made within so many days', '0')
    .action(async ({ dataset, keepLast, keepDays }: SetOptions) => {
      const rule = {
        keepLast: numberOf('--keep-last', keepLast),
        keepDays: numberOf('--keep-days', keepDays),
      }
      await retain(dataset, rule)
    })

  ofDataset(commands, 'remove', 'keep every version').action(({ dataset }: Pick<SetOptions, 'dataset'>) =>
    retain(dataset, null),
  )
}

function ofDataset(commands: Command, name: string, description: string): Command {
  return commands
    .command(name)
    .description(description)
    .option('--dataset <name>', 'another than that of the working directory')
}

async function retain(dataset: string | undefined, rule: Rule): Promise<void> {
  const name = dataset ?? here().dataset
  console.log(ruleLine(name, await told(new DataCatalogue(await connect()).retain(name, rule))))
}

function ruleLine(dataset: string, rule: Rule): string {
  if (rule === null) return `${dataset}: every version is kept`
  const { keepLast, keepDays } = rule
  const days = keepDays === 0 ? '' : `, and all of the last ${count(keepDays, 'day')}`
  return `${dataset}: the last ${count(keepLast, 'version')} of each branch${days}`
}

/** How large it may be the server says. */
function numberOf(option: string, text: string): number {
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text)
  throw new MlforgeError('invalid_request', `${option} ${text}: give a number.`)
}
