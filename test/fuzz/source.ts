import type { Case, CaseStep } from './case.js'
import { TRIES, WAYS } from './model.js'

/** Address of a path of the receiver. */
type UrlOf = (path: string) => string

const RETRY = { codes: ['http_failed'], delay: 1 }
/** Of a step, and of what undoes it. */
const STEP_RETRY = { maxAttempts: TRIES, delay: 0.1 }

/** Sends a request from outside of MLForge, with the key that the step has. */
const SENDS = `fetch(process.argv[1], { method: 'POST', headers: { 'idempotency-key': process.env.MLFORGE_IDEMPOTENCY_KEY } })
  .then(answer => process.exit(answer.ok ? 0 : 1))`

/** The pipeline of a case, as a user would apply it. */
export function sourceOf(
  { steps, parallel, onFailure, rollBack, attempts }: Case,
  name: string,
  url: UrlOf,
): object {
  return {
    parallel,
    onFailure,
    ...(rollBack === undefined ? {} : { rollBack }),
    retry: { ...RETRY, maxAttempts: attempts },
    steps: Object.fromEntries(
      steps.map(step => [
        step.name,
        {
          ...workOf(step, url(pathOf(step, name)), name),
          needs: step.needs.map(at => steps[at]!.name),
          ...(step.when === undefined
            ? {}
            : { when: { [steps[step.when.step]!.name]: WAYS[step.when.way] } }),
          retry: STEP_RETRY,
          ...compensation(step, name, url),
        },
      ]),
    ),
  }
}

function workOf({ name: step, deed }: CaseStep, url: string, name: string): object {
  switch (deed.kind) {
    case 'post':
    case 'refused':
    case 'broken':
      return { uses: 'http', with: { url } }
    case 'query':
      return { uses: 'query', with: { sql: `SELECT '${name}' AS pipeline, '${step}' AS step`, tables: {} } }
    case 'compare':
      return { uses: 'compare', with: { candidate: deed.holds ? 1 : 2, reference: 1 } }
    case 'script':
      return { uses: 'script', with: { command: [process.execPath, '-e', SENDS, url] } }
    case 'map': {
      const items = Array.from({ length: deed.items }, (_, index) => index)
      return { uses: 'map', with: { items, parallel: 2 }, do: { uses: 'http', with: { url } } }
    }
    case 'branch':
      return {
        uses: 'branch',
        with: { value: deed.way === 'left' ? 1 : 0, cases: [{ case: WAYS.left, above: 0.5 }] },
      }
  }
}

function compensation(step: CaseStep, name: string, url: UrlOf): object {
  if (step.undo === undefined) return {}
  const { uses } = step.undo
  const to = url(undoPathOf(step, name)!)
  return {
    compensate: {
      uses,
      with: uses === 'notify' ? { url: to, text: `${step.name} is undone` } : { url: to },
      retry: STEP_RETRY,
    },
  }
}

/** Where a step sends its requests: how the receiver answers is in it. */
export function pathOf({ name: step, deed }: CaseStep, name: string): string {
  const behaviour =
    deed.kind === 'post'
      ? `fail/${deed.failures}`
      : { refused: 'refuse', broken: 'broken' }[deed.kind as 'refused']
  return `/${behaviour ?? 'ok'}/${name}/${step}`
}

/** Where what undoes a step sends its requests. */
function undoPathOf({ name: step, undo }: CaseStep, name: string): string | undefined {
  return undo && `/fail/${undo.failures}/${name}/${step}-undo`
}
