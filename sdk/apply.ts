import type { PipelinesApplied } from '../contracts/rest/pipeline-runs.js'
import type { Schedule } from '../contracts/rest/schedules.js'
import { Refused, type Rest } from './rest.js'

/** What has become of one thing that a project declares. */
export interface Applied {
  readonly kind: string
  readonly name: string
  readonly change: 'created' | 'changed' | 'unchanged'
  readonly detail?: string
}

/** Something that was refused: where in the declaration, and why. */
export interface ApplyProblem {
  readonly path: readonly string[]
  readonly message: string
}

export type Declarations = Readonly<Record<string, object>>

interface Applying {
  readonly applied: Applied[]
  readonly problems: ApplyProblem[]
}

/**
 * Applies pipelines, all or none of them.
 * @param text in which they stand, so that problems have their place in it
 */
export async function applyPipelines(
  rest: Rest,
  { text, file, dryRun }: { readonly text: string; readonly file: string; readonly dryRun: boolean },
): Promise<Applied[]> {
  const { pipelines } = await rest.post<PipelinesApplied>('/v1/pipelines', { source: text, file, dryRun })
  return pipelines.map(({ name, version, created, diff }) => {
    if (!created) return { kind: 'pipeline', name, change: 'unchanged' }
    const steps = [...diff.added, ...diff.removed, ...diff.changed.map(({ step }) => step)]
    const parts = [
      ...(steps.length > 0 ? [`steps ${steps.join(', ')}`] : []),
      ...(diff.parameters.length > 0 ? [`parameters ${diff.parameters.join(', ')}`] : []),
      ...diff.settings,
    ]
    const change = version === 1 ? 'created' : 'changed'
    return { kind: 'pipeline', name, change, detail: `version ${version}: ${parts.join('; ')}` }
  })
}

/**
 * Makes schedules what they are declared to be. Whether one is paused is said when it is created, and then by
 * its verbs.
 */
export async function applySchedules(
  rest: Rest,
  declared: Declarations,
  { dryRun }: { readonly dryRun: boolean },
): Promise<Applying> {
  return applyEach(declared, async (name, declaration) => {
    const path = `/v1/schedules/${encodeURIComponent(name)}`
    const before = await found<Schedule>(rest, path)
    if (dryRun) return before ? 'unchanged' : 'created'
    if (!before) {
      await rest.post('/v1/schedules', { ...declaration, name })
      return 'created'
    }
    const { paused: _, ...change } = declaration as { paused?: boolean }
    await rest.patch(path, change)
    // Read as the one before was, so that equal ones look the same.
    const after = await rest.get<Schedule>(path)
    return declarationOf(before) === declarationOf(after) ? 'unchanged' : 'changed'
  })

  /** What a schedule is told, without what time brings. */
  function declarationOf({ training, retraining, driftCheck, pipeline, timing, note }: Schedule): string {
    return JSON.stringify([training, retraining, driftCheck, pipeline, timing, note])
  }
}

/** One after the other; what is refused does not keep the others from being applied. */
async function applyEach(
  declared: Declarations,
  apply: (name: string, declaration: object) => Promise<Applied['change']>,
): Promise<Applying> {
  const applied: Applied[] = []
  const problems: ApplyProblem[] = []
  for (const [name, declaration] of Object.entries(declared)) {
    try {
      applied.push({ kind: 'schedule', name, change: await apply(name, declaration) })
    } catch (error) {
      if (!(error instanceof Refused)) throw error
      problems.push(...problemsOf(name, error))
    }
  }
  return { applied, problems }
}

function problemsOf(name: string, { problem }: Refused): ApplyProblem[] {
  const own = problem.problems ?? []
  if (own.length === 0) return [{ path: [name], message: problem.detail }]
  return own.map(({ at, message }) => ({ path: [name, ...at.split(/[.[\]]+/).filter(Boolean)], message }))
}

async function found<T>(rest: Rest, path: string): Promise<T | null> {
  try {
    return await rest.get<T>(path)
  } catch (error) {
    if (error instanceof Refused && error.problem.status === 404) return null
    throw error
  }
}
