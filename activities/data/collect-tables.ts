import { allObjects } from '../../stores/objects/whole.js'
import type { Ports } from '../ports.js'

type TablePorts = Pick<Ports, 'tableObjects' | 'objects'>

interface Collected {
  readonly project: string
  /** What was written later stays: who has written it may be about to name it. Milliseconds since the epoch. */
  readonly olderThanMs: number
}

/** Objects that are looked at by one statement, and that are removed by one transaction. */
const LISTED = 1_000
const REMOVED = 100

/**
 * How many objects of tables nothing needs, and how large they are.
 * @param without versions that are as good as retired
 */
export async function planTables(
  ports: TablePorts,
  collected: Collected,
  without: readonly string[],
  signal: AbortSignal,
): Promise<{ tableObjects: number; tableBytes: number }> {
  const sum = { tableObjects: 0, tableBytes: 0 }
  for await (const page of oldTables(ports, collected)) {
    signal.throwIfAborted()
    const gone = await ports.tableObjects.unneeded({
      project: collected.project,
      uris: [...page.keys()],
      without,
    })
    sum.tableObjects += gone.length
    sum.tableBytes += gone.reduce((total, uri) => total + page.get(uri)!, 0)
  }
  return sum
}

/** Removes objects of tables that nothing needs. @returns how many; null where others have to be waited for */
export async function removeTables(
  ports: TablePorts,
  collected: Collected,
  signal: AbortSignal,
): Promise<number | null> {
  const { tableObjects, objects } = ports
  const { project } = collected
  let all = 0
  for await (const page of oldTables(ports, collected)) {
    const gone = await tableObjects.unneeded({ project, uris: [...page.keys()] })
    for (let from = 0; from < gone.length; from += REMOVED) {
      signal.throwIfAborted()
      const removed = await tableObjects.remove({ project, uris: gone.slice(from, from + REMOVED) }, objects)
      if (removed === null) return null
      all += removed.length
    }
  }
  return all
}

/** Uri -> bytes. */
async function* oldTables(
  { objects }: TablePorts,
  { project, olderThanMs }: Collected,
): AsyncGenerator<Map<string, number>> {
  let page = new Map<string, number>()
  for await (const { uri, bytes, modifiedMs } of allObjects(objects, project, 'table-data')) {
    if (modifiedMs <= olderThanMs) page.set(uri, bytes)
    if (page.size < LISTED) continue
    yield page
    page = new Map()
  }
  if (page.size > 0) yield page
}
