import type { Case, CaseStep } from './case.js'
import { TRIES } from './model.js'

/** Address of a path of the receiver. */
type UrlOf = (path: string) => string

const RETRY = { codes: ['http_failed'], delay: 1 }

/** Sends a request from outside of MLForge, with the key that the step has. */
const SENDS = `fetch(process.argv[1], { method: 'POST', headers: { 'idempotency-key': process.env.MLFORGE_IDEMPOTENCY_KEY } })
  .then(answer => process.exit(answer.ok ? 0 : 1))`

/** The pipeline of a case, as a user would apply it. */
export function sourceOf({ steps, parallel, onFailure, attempts }: Case, name: string, url: UrlOf): object {
  return {
    parallel,
    onFailure,
    retry: { ...RETRY, maxAttempts: attempts },
    steps: Object.fromEntries(
      steps.map(step => [
        step.name,
        {
          ...workOf(step, url(pathOf(step, name)), name),
          needs: step.needs.map(at => steps[at]!.name),
          retry: { maxAttempts: TRIES, delay: 0.1 },
        },
      ]),
    ),
  }
}

function workOf({ name: step, deed }: CaseStep, url: string, name: string): { uses: string; with: object } {
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
