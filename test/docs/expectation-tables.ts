import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { format, resolveConfig } from 'prettier'
import { CATALOGUE, EXPECTATION_TYPES } from '../../domain/expectations/catalogue.js'
import type { Definition } from '../../domain/expectations/definition.js'
import { ROOT } from './pages.js'

export const EXPECTATIONS = join(ROOT, 'docs/reference/expectations.md')

const BEGIN = '<!-- types -->'
const END = '<!-- /types -->'

/** The page with its tables of types as the catalogue has them now. */
export async function expectationsPage(): Promise<string> {
  const page = await readFile(EXPECTATIONS, 'utf8')
  const before = page.slice(0, page.indexOf(BEGIN) + BEGIN.length)
  const after = page.slice(page.indexOf(END))
  const options = (await resolveConfig(EXPECTATIONS)) ?? {}
  return format(`${before}\n\n${tables()}\n\n${after}`, { ...options, parser: 'markdown' })
}

function tables(): string {
  const all = EXPECTATION_TYPES.map(type => [type, CATALOGUE[type] as Definition] as const)
  const table = (title: string, wanted: (definition: Definition) => boolean): string => {
    const rows = all
      .filter(([, definition]) => wanted(definition))
      .map(([type, definition]) => row(type, definition))
    return [
      `## ${title}`,
      '',
      '| type | holds when | parameters | measured by | example |',
      '| --- | --- | --- | --- | --- |',
      ...rows,
    ].join('\n')
  }
  return [
    `${all.length} types. An asterisk marks what Great Expectations has not; a question mark a parameter that may be left out.`,
    table(
      'Of the table, its columns and their types',
      ({ query, parameters }) =>
        query === 'schema' ||
        (parameters.column === undefined &&
          parameters.column_A === undefined &&
          parameters.column_list === undefined),
    ),
    table('Of every row', ({ rows }) => rows),
    table(
      'Of a column as a whole',
      ({ rows, query, parameters }) => !rows && query !== 'schema' && parameters.column !== undefined,
    ),
  ].join('\n\n')
}

function row(type: string, { about, parameters, query, example, ours }: Definition): string {
  const told = Object.entries(parameters).map(([name, kind]) => `\`${name}\`${kind.endsWith('?') ? '?' : ''}`)
  const cells = [
    `\`${type}\`${ours === true ? ' \\*' : ''}`,
    about,
    told.join(', '),
    query,
    `\`${JSON.stringify(example)}\``,
  ]
  return `| ${cells.map(cell => cell.replaceAll('|', '\\|')).join(' | ')} |`
}
