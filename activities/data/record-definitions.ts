import type { Ports } from '../ports.js'

/**
 * Writes suites and transformations to the object store that it has not yet. Killed in between, it is done again.
 * @returns how many
 */
export async function recordDefinitions(
  { definitions, objects }: Pick<Ports, 'definitions' | 'objects'>,
  project: string,
  limit: number,
  signal: AbortSignal,
): Promise<number> {
  let recorded = 0
  while (recorded < limit) {
    const owed = await definitions.owed(project)
    if (owed.length === 0) break
    for (const each of owed) {
      await objects.write(project, each.content, { kind: 'definitions', signal })
      await definitions.recorded(each)
    }
    recorded += owed.length
  }
  return recorded
}
