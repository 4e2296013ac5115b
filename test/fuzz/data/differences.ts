import type { Model, ModelCommit } from './model.js'
import { manifestOf } from './tree.js'

/** A version as the catalogue has it. */
export interface VersionRow {
  readonly version: number
  readonly branch: string
  readonly parents: readonly number[]
  readonly message: string | null
  readonly manifest: string | null
  readonly files: number | null
  readonly bytes: number | null
}

/** A branch or tag as the catalogue has it. */
export interface RefRow {
  readonly name: string
  readonly kind: 'branch' | 'tag'
  readonly version: number | null
}

export interface RunRow {
  readonly id: string
  readonly kind: string
  readonly status: string
  readonly code: string | null
}

/** What the versions of a dataset are otherwise than what was done. */
export function versionDifferences(rows: readonly VersionRow[], model: Model): string[] {
  const numbers = rows.map(({ version }) => version)
  const gaps = numbers.flatMap((number, at) => (number === at + 1 ? [] : [at + 1]))
  return [
    ...(gaps.length > 0
      ? [`versions are numbered ${numbers.join(', ')}: there is no version ${gaps[0]}`]
      : []),
    ...[...model.commits.values()].flatMap(commit => fateDifferences(commit, rows)),
    ...rows.flatMap(row => rowDifferences(row, rows, model)),
  ]
}

/** Each commit is exactly one version, or none where it was left. */
function fateDifferences({ message, fate }: ModelCommit, rows: readonly VersionRow[]): string[] {
  const made = rows.filter(row => row.message === message).map(({ version }) => version)
  if (fate.kind === 'open') return [`commit "${message}" was neither pushed nor left`]
  const expected = fate.kind === 'version' ? 1 : 0
  if (made.length === expected) return []
  const became = made.length === 0 ? 'no version' : `version ${made.join(' and ')}`
  return [`commit "${message}" became ${became} instead of ${expected === 1 ? 'one' : 'none'}`]
}

function rowDifferences(row: VersionRow, rows: readonly VersionRow[], model: Model): string[] {
  const where = `version ${row.version}`
  const commit = model.commits.get(row.message ?? '')
  if (commit === undefined) return [`${where}: nobody has committed "${row.message}"`]
  const { tree, onto, fate } = commit
  const problems: string[] = []
  const same = (what: string, found: unknown, expected: unknown) => {
    if (found !== expected) problems.push(`${where}: ${what} ${String(found)} instead of ${String(expected)}`)
  }
  same('manifest', row.manifest, manifestOf(tree))
  same('files', row.files, tree.size)
  same(
    'bytes',
    row.bytes,
    [...tree.values()].reduce((sum, { content }) => sum + content.length, 0),
  )
  if (fate.kind === 'version') same('branch', row.branch, fate.branch)
  if (onto !== undefined) {
    const before = rows.filter(({ message }) => message === onto).map(({ version }) => version)
    same('made from', row.parents.join(), onto === null ? '' : before.join())
  }
  return problems
}

/** Branches are at their newest versions, tags where they were moved to. */
export function refDifferences(refs: readonly RefRow[], rows: readonly VersionRow[], model: Model): string[] {
  const expected = new Map<string, number>(rows.map(({ branch, version }) => [`branch ${branch}`, version]))
  for (const [name, version] of model.tags) expected.set(`tag ${name}`, version)
  const found = new Map(refs.map(({ kind, name, version }) => [`${kind} ${name}`, version]))
  return [
    ...[...expected].flatMap(([ref, version]) =>
      found.get(ref) === version ? [] : [`${ref} is at ${found.get(ref) ?? 'nothing'} instead of ${version}`],
    ),
    ...[...found.keys()].filter(ref => !expected.has(ref)).map(ref => `${ref} should not be there`),
  ]
}

/** Pushes have succeeded, or somebody else was first. Pulls whose client was killed wait for it, and were cancelled. */
export function runDifferences(runs: readonly RunRow[]): string[] {
  const isGood = ({ kind, status, code }: RunRow) =>
    status === 'succeeded' ||
    (kind === 'push' && code === 'branch_moved') ||
    (kind === 'pull' && status === 'cancelled')
  return runs
    .filter(run => !isGood(run))
    .map(({ id, kind, status, code }) => `${kind} ${id} is ${status}${code === null ? '' : ` (${code})`}`)
}
