import type { AssetsApplied } from '../contracts/rest/assets.js'
import type { PipelinesApplied } from '../contracts/rest/pipeline-runs.js'
import { Refused, type Rest } from './rest.js'

/** What has become of one thing that a project declares. */
export interface Applied {
  readonly kind: string
  readonly name: string
  readonly change: 'created' | 'changed' | 'unchanged'
  readonly detail?: string
  /** What it would stumble over as things are now. */
  readonly warnings?: readonly string[]
}

/** Something that was refused: where in the declaration, and why. */
export interface ApplyProblem {
  readonly path: readonly string[]
  readonly message: string
}

/** What has become of a section. */
export interface SectionApplied {
  readonly applied: readonly Applied[]
  readonly problems: readonly ApplyProblem[]
}

export type Declarations = Readonly<Record<string, object>>

/**
 * Applies pipelines, all or none of them.
 * @param text in which they stand, so that problems have their place in it
 */
export async function applyPipelines(
  rest: Rest,
  { text, file, dryRun }: { readonly text: string; readonly file: string; readonly dryRun: boolean },
): Promise<Applied[]> {
  const { pipelines } = await rest.post<PipelinesApplied>('/v1/pipelines', { source: text, file, dryRun })
  return pipelines.map(({ name, version, created, diff, warnings }) => {
    if (!created) return { kind: 'pipeline', name, change: 'unchanged', warnings }
    const steps = [...diff.added, ...diff.removed, ...diff.changed.map(({ step }) => step)]
    const parts = [
      ...(steps.length > 0 ? [`steps ${steps.join(', ')}`] : []),
      ...(diff.parameters.length > 0 ? [`parameters ${diff.parameters.join(', ')}`] : []),
      ...diff.settings,
    ]
    const change = version === 1 ? 'created' : 'changed'
    return { kind: 'pipeline', name, change, detail: `version ${version}: ${parts.join('; ')}`, warnings }
  })
}

/**
 * Applies assets, all or none of them: they are one graph.
 * @param dryRun looks only which of them are there: pipelines that make them may not be applied yet
 */
export async function applyAssets(
  rest: Rest,
  declared: Declarations,
  dryRun: boolean,
): Promise<SectionApplied> {
  const names = Object.keys(declared)
  if (dryRun) {
    const known = await Promise.all(names.map(name => found(rest, `/v1/assets/${encodeURIComponent(name)}`)))
    const applied = names.map((name, i): Applied => ({
      ...asset(name),
      change: known[i] ? 'unchanged' : 'created',
    }))
    return { applied, problems: [] }
  }
  try {
    const assets = Object.entries(declared).map(([name, given]) => ({ ...given, name }))
    const done = await rest.post<AssetsApplied>('/v1/assets', { assets })
    const applied = done.assets.map(({ name, version, created }): Applied => {
      if (!created) return { ...asset(name), change: 'unchanged' }
      return { ...asset(name), change: version === 1 ? 'created' : 'changed', detail: `version ${version}` }
    })
    return { applied, problems: [] }
  } catch (error) {
    if (!(error instanceof Refused) || error.problem.problems === undefined) throw error
    const problems = error.problem.problems.map(({ at, message }) => {
      const [, position, ...path] = members(at)
      return { path: [names[Number(position)] ?? '', ...path], message }
    })
    return { applied: [], problems }
  }
}

const asset = (name: string) => ({ kind: 'asset', name }) as const

/** How things of a kind are made what they are declared to be. */
interface Kind {
  readonly kind: string
  readonly path: string
  /** Makes one that is not there yet, from what is declared and its name. */
  readonly create: (rest: Rest, path: string, name: string, declared: object) => Promise<unknown>
  readonly change: (rest: Rest, path: string, declared: object) => Promise<unknown>
  /** Fields that say what it is, rather than what time brings. */
  readonly fields: readonly string[]
}

const byName: Kind['create'] = (rest, path, name, declared) => rest.post(path, { ...declared, name })

/** Whether something is paused is said when it is created, and then by its verbs. */
const withoutPause: Kind['change'] = (rest, path, declared) => {
  const { paused: _, ...change } = declared as { paused?: boolean }
  return rest.patch(path, change)
}

const KINDS = {
  pools: {
    kind: 'pool',
    path: '/v1/pools',
    create: (rest, path, name, declared) => rest.put(`${path}/${encodeURIComponent(name)}`, declared),
    change: (rest, path, declared) => rest.put(path, declared),
    fields: ['slots', 'description'],
  },
  schedules: {
    kind: 'schedule',
    path: '/v1/schedules',
    create: byName,
    change: withoutPause,
    fields: ['training', 'retraining', 'driftCheck', 'pipeline', 'timing', 'note'],
  },
  sensors: {
    kind: 'sensor',
    path: '/v1/sensors',
    create: byName,
    change: withoutPause,
    fields: ['source', 'pipeline', 'intervalSeconds', 'maxOpenRuns', 'note'],
  },
} satisfies Record<string, Kind>

/** Sections whose members are applied one by one. */
export type NamedSection = keyof typeof KINDS

/**
 * Makes what a section declares what it is declared to be, one after the other; what is refused does not keep
 * the others from being applied.
 */
export async function applySection(
  rest: Rest,
  section: NamedSection,
  declarations: Declarations,
  dryRun: boolean,
): Promise<SectionApplied> {
  const { kind } = KINDS[section]
  const applied: Applied[] = []
  const problems: ApplyProblem[] = []
  for (const [name, declared] of Object.entries(declarations)) {
    try {
      applied.push({ kind, name, change: await applyOne(rest, KINDS[section], name, declared, dryRun) })
    } catch (error) {
      if (!(error instanceof Refused)) throw error
      problems.push(...problemsOf(name, error))
    }
  }
  return { applied, problems }
}

async function applyOne(
  rest: Rest,
  { path, create, change, fields }: Kind,
  name: string,
  declared: object,
  dryRun: boolean,
): Promise<Applied['change']> {
  const own = `${path}/${encodeURIComponent(name)}`
  const before = await found(rest, own)
  if (before === null) {
    if (!dryRun) await create(rest, path, name, declared)
    return 'created'
  }
  if (dryRun) return 'unchanged'
  await change(rest, own, declared)
  // Read as the one before was, so that equal ones look the same.
  const after = await rest.get<Readonly<Record<string, unknown>>>(own)
  const told = (of: Readonly<Record<string, unknown>>) => JSON.stringify(fields.map(field => of[field]))
  return told(before) === told(after) ? 'unchanged' : 'changed'
}

function problemsOf(name: string, { problem }: Refused): ApplyProblem[] {
  const own = problem.problems ?? []
  if (own.length === 0) return [{ path: [name], message: problem.detail }]
  return own.map(({ at, message }) => ({ path: [name, ...members(at)], message }))
}

/** `a[1].b` as its members. */
function members(at: string): string[] {
  return at.split(/[.[\]]+/).filter(Boolean)
}

async function found(rest: Rest, path: string): Promise<Readonly<Record<string, unknown>> | null> {
  try {
    return await rest.get(path)
  } catch (error) {
    if (error instanceof Refused && error.problem.status === 404) return null
    throw error
  }
}
