/**
 * How often a step of a run has been asked for, from 1: only those that were reset are in the map, and a step
 * may have the name of something that every object has.
 */
export function generationOf(generations: Readonly<Record<string, number>>, step: string): number {
  return Object.hasOwn(generations, step) ? generations[step]! : 1
}
