import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { format, resolveConfig } from 'prettier'
import { ALERT_KINDS, SHIFTS, THRESHOLDS } from '../../domain/profile/thresholds.js'
import { ROOT } from './pages.js'

export const PROFILE = join(ROOT, 'docs/reference/profile.md')

const BEGIN = '<!-- thresholds -->'
const END = '<!-- /thresholds -->'

/** The page with its thresholds as the code has them now. */
export async function profileDocument(): Promise<string> {
  const page = await readFile(PROFILE, 'utf8')
  const before = page.slice(0, page.indexOf(BEGIN) + BEGIN.length)
  const after = page.slice(page.indexOf(END))
  const options = (await resolveConfig(PROFILE)) ?? {}
  return format(`${before}\n\n${tables()}\n\n${after}`, { ...options, parser: 'markdown' })
}

function tables(): string {
  const rows = ALERT_KINDS.map(kind => {
    const { when, value, source } = THRESHOLDS[kind]
    return `| \`${kind}\` | ${when} | ${value} | ${source} |`
  })
  const shifts = Object.entries(SHIFTS).map(
    ([shift, { value, source }]) => `| ${shift} | ${value} | ${source} |`,
  )
  return [
    ['| alert | when | threshold | from |', '| --- | --- | --- | --- |', ...rows].join('\n'),
    'The values of a column have shifted between two versions by their population stability index:',
    ['| shift | above | from |', '| --- | --- | --- |', ...shifts].join('\n'),
  ].join('\n\n')
}
