import { expect, it } from '@jest/globals'
import { STEP_TYPES, type StepType } from '../../domain/pipelines/step-types.js'
import { page } from './pages.js'

const CACHE = { default: 'yes', on_request: 'on request', never: 'never' } as const
const UNITS = [
  ['d', 86_400],
  ['h', 3_600],
  ['m', 60],
  ['s', 1],
] as const

it('docs/guides/pipelines.md has the steps that there are, as they are', () => {
  const lines = page('docs/guides/pipelines.md').text.split('\n')
  const head = lines.findIndex(line => /^\| step +\|/.test(line))
  const end = lines.findIndex((line, i) => i > head && !line.startsWith('|'))
  const rows = lines.slice(head + 2, end).map(line =>
    line
      .split('|')
      .slice(1, -1)
      .map(cell => cell.trim()),
  )
  expect(rows).toEqual(Object.entries(STEP_TYPES).map(([name, type]) => rowOf(name, type)))
})

function rowOf(
  name: string,
  { description, inputs, outputs, timeoutSeconds, maxAttempts, cache }: StepType,
): string[] {
  const given = Object.entries(inputs).map(([input, spec]) =>
    spec.default === undefined && spec.optional !== true ? `\`${input}\`` : `[\`${input}\`]`,
  )
  const [unit, seconds] = UNITS.find(([, each]) => timeoutSeconds % each === 0)!
  return [
    `\`${name}\``,
    description,
    given.join(', '),
    Object.keys(outputs)
      .map(output => `\`${output}\``)
      .join(', '),
    `${timeoutSeconds / seconds} ${unit}, ${maxAttempts}`,
    CACHE[cache],
  ]
}
