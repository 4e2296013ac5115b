import { STEP_STATES, type StepState } from './progress.js'

/** Steps that are shown one by one; of larger pipelines what works and what went wrong is. */
const SHOWN_STEPS = 40
const SHOWN_NAMES = 10
const SHOWN_CHARACTERS = 200

export interface SeenStep {
  readonly name: string
  readonly state: StepState
  readonly note: string | undefined
}

/** What people see of a run while it works: rows of a table, the counts first. */
export function describeSteps(steps: readonly SeenStep[]): [what: string, value: string][] {
  const counts = STEP_STATES.flatMap(state => {
    const count = steps.filter(step => step.state === state).length
    return count === 0 ? [] : [`${count} ${state}`]
  })
  const summary: [string, string] = ['steps', counts.join(', ')]
  if (steps.length <= SHOWN_STEPS) return [summary, ...steps.map(rowOf)]
  const running = steps.filter(({ state }) => state === 'running')
  const bad = steps.filter(({ state }) => state === 'failed' || state === 'refused')
  return [summary, ['running', names(running)], ...bad.slice(0, SHOWN_NAMES).map(rowOf)]
}

function rowOf({ name, state, note }: SeenStep): [string, string] {
  return [`\`${name}\``, note === undefined ? state : `${state}: ${cell(note)}`]
}

function names(steps: readonly SeenStep[]): string {
  if (steps.length === 0) return '-'
  const shown = steps.slice(0, SHOWN_NAMES).map(({ name }) => `\`${name}\``)
  const more = steps.length - shown.length
  return more > 0 ? `${shown.join(', ')} and ${more} more` : shown.join(', ')
}

/** Text that stays within its cell of a Markdown table. */
function cell(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ').replaceAll('|', '\\|')
  return line.length <= SHOWN_CHARACTERS ? line : `${line.slice(0, SHOWN_CHARACTERS - 1)}…`
}
