import { didYouMean } from '../suggest.js'
import { caseNames, OTHERWISE } from './branch.js'
import type { ReadStep } from './compile-steps.js'
import type { StepSpec } from './definition.js'
import type { Reader } from './reader.js'
import { referencesIn } from './references.js'

/**
 * The needs of each step by name: those it names and those it refers to, in the order of the steps.
 * Unknown ones and circles are problems.
 */
export function compileNeeds(
  reader: Reader,
  steps: ReadonlyMap<string, ReadStep>,
): ReadonlyMap<string, readonly string[]> {
  const names = [...steps.keys()]
  const positions = new Map(names.map((name, at) => [name, at]))
  const needs = new Map<string, readonly string[]>()
  for (const { spec } of steps.values()) {
    for (const [at, need] of spec.needs.entries()) {
      if (need === spec.when?.step) continue
      if (reader.isFull) break
      const path = ['steps', spec.name, 'needs', at]
      if (need === spec.name) reader.wrong(path, `Step "${need}" needs itself.`)
      else if (!steps.has(need)) reader.wrong(path, `There is no step "${need}".${didYouMean(need, names)}`)
    }
    checkWay(reader, spec, steps)
    const given = [spec.with, spec.do?.with ?? {}]
    const referred = referencesIn(given).flatMap(each => (each.kind === 'step' ? [each.step] : []))
    const all = [...new Set([...spec.needs, ...referred])].filter(
      need => need !== spec.name && steps.has(need),
    )
    needs.set(
      spec.name,
      all.sort((a, b) => positions.get(a)! - positions.get(b)!),
    )
  }
  for (const circle of circlesIn(needs)) {
    reader.wrong(['steps', circle[0]!], `Steps wait for each other: ${[...circle, circle[0]!].join(' -> ')}.`)
  }
  return needs
}

/** What a step waits for to be taken must be a case of a branch. */
function checkWay(reader: Reader, { name, when }: StepSpec, steps: ReadonlyMap<string, ReadStep>): void {
  if (!when) return
  const path = ['steps', name, 'when', when.step]
  const branch = steps.get(when.step)
  if (when.step === name) reader.wrong(path, `Step "${name}" waits for itself.`)
  else if (!branch) {
    reader.wrong(path, `There is no step "${when.step}".${didYouMean(when.step, [...steps.keys()])}`)
  } else if (branch.spec.uses !== 'branch') {
    reader.wrong(path, `Step "${when.step}" is no branch; it uses "${branch.spec.uses}".`)
  } else {
    const cases = [...caseNames(branch.spec.with['cases']), OTHERWISE]
    for (const each of when.is.filter(one => !cases.includes(one))) {
      const hint = didYouMean(each, cases)
      reader.wrong(path, `Branch "${when.step}" has no case "${each}".${hint} It has: ${cases.join(', ')}.`)
    }
  }
}

/** Circles, one of each group of steps that wait for each other (depth-first search, three colours). */
function circlesIn(needs: ReadonlyMap<string, readonly string[]>): string[][] {
  const circles: string[][] = []
  const done = new Set<string>()
  for (const start of needs.keys()) {
    const trail: { readonly name: string; next: number }[] = []
    const onTrail = new Set<string>()
    const enter = (name: string) => {
      trail.push({ name, next: 0 })
      onTrail.add(name)
    }
    if (!done.has(start)) enter(start)
    while (trail.length > 0) {
      const top = trail.at(-1)!
      const need = needs.get(top.name)![top.next++]
      if (need === undefined) {
        done.add(top.name)
        onTrail.delete(top.name)
        trail.pop()
      } else if (onTrail.has(need)) {
        const names = trail.map(({ name }) => name)
        circles.push(names.slice(names.indexOf(need)))
      } else if (!done.has(need)) enter(need)
    }
  }
  return circles
}
