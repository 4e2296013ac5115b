import { readdir, readFile } from 'node:fs/promises'

/** Pids of the trainer processes whose parent is `parent`, zombies not counted. */
export async function trainersOf(parent: number): Promise<number[]> {
  const found: number[] = []
  for (const entry of await readdir('/proc')) {
    if (!/^\d+$/.test(entry)) continue
    try {
      const stat = await readFile(`/proc/${entry}/stat`, 'utf8')
      const [state, ppid] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
      if (Number(ppid) !== parent || state === 'Z') continue
      const command = await readFile(`/proc/${entry}/cmdline`, 'utf8')
      if (command.includes('trainers/child/main.js')) found.push(Number(entry))
    } catch {
      // It has ended while we looked.
    }
  }
  return found
}
