import type { Scalar } from './expectation.js'

export type Comparison = '==' | '!=' | '<' | '<=' | '>' | '>='

/** A row condition, as it has been read. */
export type Condition =
  | { readonly op: 'and'; readonly of: readonly Condition[] }
  | { readonly op: 'or'; readonly of: readonly Condition[] }
  | { readonly op: 'compare'; readonly column: string; readonly sign: Comparison; readonly value: Scalar }
  | { readonly op: 'in'; readonly column: string; readonly values: readonly Scalar[] }
  | { readonly op: 'not in'; readonly column: string; readonly values: readonly Scalar[] }
  | { readonly op: 'null'; readonly column: string }
  | { readonly op: 'not null'; readonly column: string }

export class ConditionError extends Error {}

interface Token {
  readonly kind: 'word' | 'text' | 'number' | 'sign' | 'punctuation'
  readonly value: string
  readonly at: number
}

const TOKEN =
  /\s*(?:(?<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|(?<number>[+-]?\d+(?:\.\d*)?(?:[eE][+-]?\d+)?)|(?<sign>==|!=|<=|>=|<|>)|(?<word>[A-Za-z_]+)|(?<punctuation>[()[\].,]))/y

const DEEPEST = 50

/**
 * Reads a row condition, in the form of Great Expectations and joined by `and`, `or` and parentheses:
 * `col("a") > 3 and (col("b").notNull() or col("c").isIn(["x", "y"]))`. `and` binds closer than `or`.
 * Values are numbers, texts, true, false, and `date("2026-01-31")`.
 *
 * @throws ConditionError saying what is wrong, and where
 */
export function parseCondition(source: string): Condition {
  const tokens = tokensOf(source)
  let next = 0
  const peek = (): Token | undefined => tokens[next]
  const fail = (wanted: string): never => {
    const token = peek()
    const found = token ? `"${token.value}" at character ${token.at + 1}` : 'the end'
    throw new ConditionError(`${wanted} is missing before ${found}.`)
  }
  const take = (value: string): void => {
    if (peek()?.value !== value || peek()?.kind === 'text') fail(`"${value}"`)
    next++
  }
  const isWord = (value: string): boolean => {
    const token = peek()
    return token?.kind === 'word' && token.value.toLowerCase() === value
  }
  const textOf = (): string => {
    const token = peek()
    if (token?.kind !== 'text') return fail('a text in quotes')
    next++
    return token.value.slice(1, -1).replaceAll(/\\(.)/g, '$1')
  }

  const either = (depth: number): Condition => joined('or', () => joined('and', () => single(depth)))
  const joined = (op: 'and' | 'or', part: () => Condition): Condition => {
    const of = [part()]
    while (isWord(op)) {
      next++
      of.push(part())
    }
    return of.length === 1 ? of[0]! : { op, of }
  }
  const single = (depth: number): Condition => {
    if (depth > DEEPEST)
      throw new ConditionError(`There are more than ${DEEPEST} parentheses in one another.`)
    const token = peek()
    if (token?.kind === 'punctuation' && token.value === '(') {
      next++
      const inner = either(depth + 1)
      take(')')
      return inner
    }
    if (!isWord('col')) fail('col("...")')
    next++
    take('(')
    const column = textOf()
    take(')')
    const after = peek()
    if (after?.kind === 'sign') {
      next++
      return { op: 'compare', column, sign: after.value as Comparison, value: value() }
    }
    if (after?.value !== '.')
      return fail('a comparison, .notNull(), .isNull(), .isIn([...]) or .isNotIn([...])')
    next++
    return method(column)
  }
  const method = (column: string): Condition => {
    const name = peek()?.kind === 'word' ? peek()!.value.toLowerCase().replaceAll('_', '') : ''
    const nullity = { notnull: 'not null', isnotnull: 'not null', isnull: 'null' } as const
    const membership = { isin: 'in', isnotin: 'not in' } as const
    if (Object.hasOwn(nullity, name)) {
      next++
      take('(')
      take(')')
      return { op: nullity[name as keyof typeof nullity], column }
    }
    if (!Object.hasOwn(membership, name)) return fail('notNull(), isNull(), isIn([...]) or isNotIn([...])')
    next++
    take('(')
    take('[')
    const values = [value()]
    while (peek()?.value === ',') {
      next++
      values.push(value())
    }
    take(']')
    take(')')
    return { op: membership[name as keyof typeof membership], column, values }
  }
  const value = (): Scalar => {
    const token = peek()
    if (token?.kind === 'text') return textOf()
    if (token?.kind === 'number') {
      next++
      return Number(token.value)
    }
    if (isWord('true') || isWord('false')) {
      next++
      return token!.value.toLowerCase() === 'true'
    }
    if (!isWord('date')) return fail('a number, a text in quotes, true, false or date("...")')
    next++
    take('(')
    const date = textOf()
    take(')')
    return date
  }

  const condition = either(0)
  if (peek() !== undefined) fail('"and" or "or"')
  return condition
}

function tokensOf(source: string): Token[] {
  const tokens: Token[] = []
  let at = 0
  while (source.slice(at).trim() !== '') {
    TOKEN.lastIndex = at
    const found = TOKEN.exec(source)
    if (found === null) {
      const rest = source.slice(at).trimStart()
      throw new ConditionError(
        `"${rest.slice(0, 20)}" at character ${source.length - rest.length + 1} is not understood.`,
      )
    }
    const [kind, value] = Object.entries(found.groups!).find(([, text]) => text !== undefined)!
    tokens.push({ kind: kind as Token['kind'], value: value!, at: TOKEN.lastIndex - value!.length })
    at = TOKEN.lastIndex
  }
  return tokens
}

/** A condition as text that `parseCondition` reads back to the same. */
export function formatCondition(condition: Condition): string {
  if (condition.op === 'and' || condition.op === 'or') {
    return condition.of
      .map(part =>
        part.op === 'and' || part.op === 'or' ? `(${formatCondition(part)})` : formatCondition(part),
      )
      .join(` ${condition.op} `)
  }
  const column = `col(${quoted(condition.column)})`
  switch (condition.op) {
    case 'compare':
      return `${column} ${condition.sign} ${literal(condition.value)}`
    case 'in':
    case 'not in':
      return `${column}.${condition.op === 'in' ? 'isIn' : 'isNotIn'}([${condition.values.map(literal).join(', ')}])`
    case 'null':
      return `${column}.isNull()`
    case 'not null':
      return `${column}.notNull()`
  }
}

const quoted = (text: string): string => `"${text.replaceAll(/[\\"]/g, '\\$&')}"`

const literal = (value: Scalar): string => (typeof value === 'string' ? quoted(value) : String(value))
