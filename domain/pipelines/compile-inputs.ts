import type { Json } from '../canonical-json.js'
import { didYouMean } from '../suggest.js'
import { caseProblems, isLimit } from './branch.js'
import type { ReadStep } from './compile-steps.js'
import type { InnerStep, ParameterSpec } from './definition.js'
import type { Path } from './problems.js'
import type { Reader } from './reader.js'
import { describeReference, partsOf, type Reference, soleReference } from './references.js'
import type { InputSpec, StepType } from './step-types.js'
import { choiceProblems, isAssignable, isScalar, typeWords, valueProblems } from './value-types.js'
import type { ValueType } from './values.js'
import { writtenProblems } from './written.js'

/** What the inputs of a step may refer to. */
export interface Scope {
  readonly parameters: Readonly<Record<string, ParameterSpec>>
  readonly steps: ReadonlyMap<string, ReadStep>
  /** True within what a map does with each item. */
  readonly hasItem?: boolean
  /** Of what undoes a step: steps that are known to have ended when it is done, the step itself among them. */
  readonly ended?: ReadonlySet<string>
}

/**
 * Checks the inputs of what undoes a step.
 * @param ended the step itself, and all that it follows from
 */
export function checkCompensation(
  reader: Reader,
  { spec: { name, compensate }, undoType }: ReadStep,
  scope: Required<Pick<Scope, 'parameters' | 'steps' | 'ended'>>,
): void {
  if (compensate) checkWork(reader, compensate, undoType, ['steps', name, 'compensate'], scope, name)
}

/**
 * Checks the inputs of a step, and of what a map does, against the types: names, types of what is written
 * out, and declared types of what is referred to.
 */
export function checkInputs(
  reader: Reader,
  { spec, type, innerType }: ReadStep,
  scope: Pick<Scope, 'parameters' | 'steps'>,
): void {
  const path = ['steps', spec.name]
  checkWork(reader, spec, type, path, scope, spec.name)
  if (spec.do) checkWork(reader, spec.do, innerType, [...path, 'do'], { ...scope, hasItem: true }, spec.name)
}

function checkWork(
  reader: Reader,
  spec: InnerStep,
  type: StepType | undefined,
  at: Path,
  scope: Scope,
  own: string,
): void {
  const path = [...at, 'with']
  if (!type) {
    // Its inputs cannot be known; what they refer to can.
    walk(spec.with, path, reader, scope, own)
    return
  }
  const known = Object.keys(type.inputs)
  for (const name of known) {
    const { default: fallback, optional, type: of } = type.inputs[name]!
    if (spec.with[name] !== undefined || fallback !== undefined || optional) continue
    reader.wrong(at, `Step type "${spec.uses}" needs the input "${name}": ${typeWords(of)}.`)
  }
  const { oneOf } = type
  if (oneOf && oneOf.filter(name => spec.with[name] !== undefined).length !== 1) {
    reader.wrong(at, `Step type "${spec.uses}" needs one of the inputs ${oneOf.join(', ')}, and only one.`)
  }
  if (spec.uses === 'branch' && spec.with['cases'] !== undefined) {
    for (const { at: place, message } of caseProblems(spec.with['cases'], '')) {
      reader.wrong([...path, 'cases', ...positionIn(place)], message)
    }
    checkLimits(reader, spec.with['cases'], [...path, 'cases'], scope)
  }
  for (const { path: place, message } of writtenProblems(spec.uses, spec.with)) {
    reader.wrong([...path, ...place], message)
  }
  for (const [name, value] of Object.entries(spec.with)) {
    if (reader.isFull) return
    const input = Object.hasOwn(type.inputs, name) ? type.inputs[name] : undefined
    if (!input) {
      const hint = didYouMean(name, known)
      reader.wrong(
        [...path, name],
        `"${spec.uses}" has no input "${name}".${hint} Known: ${known.join(', ')}.`,
      )
    }
    walk(value, [...path, name], reader, scope, own)
    if (input) checkInput(reader, value, input, [...path, name], scope)
  }
}

/** What a case compares with, where that is referred to. */
function checkLimits(reader: Reader, cases: Json, path: Path, scope: Scope): void {
  for (const [i, each] of (Array.isArray(cases) ? (cases as readonly Json[]) : []).entries()) {
    if (typeof each !== 'object' || each === null) continue
    for (const [condition, limit] of entriesOf(each)) {
      if (isLimit(String(condition)) && condition !== 'case')
        expect(reader, limit, 'number', [...path, i, condition], scope)
    }
  }
}

function checkInput(reader: Reader, value: Json, input: InputSpec, path: Path, scope: Scope): void {
  if (value === null && input.nullable) return
  for (const { at, message } of valueProblems(value, input.type, '', true)) {
    reader.wrong([...path, ...memberPath(at)], message)
  }
  if (typeof value === 'string') {
    const literal = partsOf(value).every(part => 'text' in part)
    if (literal) for (const { message } of choiceProblems(value, input, '')) reader.wrong(path, message)
  }
  expect(reader, value, input.type, path, scope)
}

/** The declared types of what stands where a type is expected, also within lists and objects of one type. */
function expect(reader: Reader, value: Json, type: ValueType, path: Path, scope: Scope): void {
  if (typeof value === 'string') {
    const sole = soleReference(value)
    const from = sole && typeOf(sole, scope)
    if (from && !isAssignable(from, type)) {
      const what = describeReference(sole)
      reader.wrong(path, `${what} is ${typeWords(from)}; expected is ${typeWords(type)}.`)
    }
    if (!sole && type !== 'string' && type !== 'json' && partsOf(value).some(part => 'reference' in part)) {
      reader.wrong(path, `Text with references in it is text; expected is ${typeWords(type)}.`)
    }
    return
  }
  if (typeof value !== 'object' || value === null) return
  const of = type === 'tables' ? 'table' : type === 'strings' || type === 'texts' ? 'string' : null
  if (of === null) return
  for (const [key, member] of entriesOf(value)) expect(reader, member, of, [...path, key], scope)
}

/** Everything that is referred to must be there; within text only what has a place in it. */
function walk(value: Json, path: Path, reader: Reader, scope: Scope, own: string): void {
  if (typeof value !== 'string') {
    if (typeof value !== 'object' || value === null) return
    for (const [key, member] of entriesOf(value)) walk(member, [...path, key], reader, scope, own)
    return
  }
  const sole = soleReference(value)
  for (const part of partsOf(value)) {
    if (reader.isFull) return
    if ('malformed' in part) reader.wrong(path, part.malformed)
    if (!('reference' in part)) continue
    const problem = referenceProblem(part.reference, scope, own)
    if (problem !== null) reader.wrong(path, problem)
    const type = typeOf(part.reference, scope)
    if (sole === null && type && !isScalar(type)) {
      const what = describeReference(part.reference)
      reader.wrong(path, `${what} is ${typeWords(type)}: it has no place within a text.`)
    }
  }
}

function referenceProblem(
  reference: Reference,
  { parameters, steps, hasItem, ended }: Scope,
  own: string,
): string | null {
  switch (reference.kind) {
    case 'item':
    case 'index':
      return hasItem ? null : `"${describeReference(reference)}" is only known within "do" of a map.`
    case 'run':
      return null
    case 'given': {
      const where = reference.root === 'tick' ? 'a sensor' : 'a retraining policy'
      return `"${describeReference(reference)}" is only known in the parameters of ${where}.`
    }
    case 'parameter': {
      const { name, path } = reference
      if (Object.hasOwn(parameters, name)) {
        const { type } = parameters[name]!
        if (path.length === 0 || hasMembers(type)) return null
        return `Parameter "${name}" is ${typeWords(type)}: there is nothing within it.`
      }
      return `There is no parameter "${name}".${didYouMean(name, Object.keys(parameters))}`
    }
    case 'step': {
      const { step, output, path } = reference
      if (step === own && !ended) return `Step "${own}" refers to itself.`
      const found = steps.get(step)
      if (!found) return `There is no step "${step}".${didYouMean(step, [...steps.keys()])}`
      if (ended && !ended.has(step)) {
        return `Step "${step}" may not have ended when "${own}" is undone. Refer to "${own}" and what it needs.`
      }
      const outputs = found.type?.outputs
      if (!outputs) return null
      const known = Object.keys(outputs)
      if (!Object.hasOwn(outputs, output)) {
        return `Step "${step}" ("${found.spec.uses}") has no output "${output}".${didYouMean(output, known)} It has: ${known.join(', ')}.`
      }
      if (path.length === 0 || hasMembers(outputs[output]!.type)) return null
      return `Output "${output}" of step "${step}" is ${typeWords(outputs[output]!.type)}: there is nothing within it.`
    }
  }
}

function typeOf(reference: Reference, { parameters, steps }: Scope): ValueType | undefined {
  switch (reference.kind) {
    case 'run':
      return 'string'
    case 'index':
      return 'integer'
    case 'item':
    case 'given':
      return 'json'
    case 'parameter':
      if (!Object.hasOwn(parameters, reference.name)) return undefined
      return reference.path.length > 0 ? 'json' : parameters[reference.name]!.type
    case 'step': {
      const outputs = steps.get(reference.step)?.type?.outputs
      if (!outputs || !Object.hasOwn(outputs, reference.output)) return undefined
      return reference.path.length > 0 ? 'json' : outputs[reference.output]!.type
    }
  }
}

function hasMembers(type: ValueType): boolean {
  return !['string', 'integer', 'number', 'boolean'].includes(type)
}

function entriesOf(value: Json & object): [string | number, Json][] {
  if (Array.isArray(value)) return [...(value as readonly Json[]).entries()]
  return Object.entries(value).flatMap(([key, member]) => (member === undefined ? [] : [[key, member]]))
}

/** The position that `caseProblems` names first. */
function positionIn(at: string): Path {
  const position = /^\[(\d+)\]/.exec(at)?.[1]
  return position === undefined ? [] : [Number(position)]
}

/** `[0]` and `.name` as `valueProblems` writes them, as a path. */
function memberPath(at: string): Path {
  return at.startsWith('[') ? [Number(at.slice(1, -1))] : at === '' ? [] : [at.slice(1)]
}
