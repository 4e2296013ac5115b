import { beforeAll, describe, expect, it } from '@jest/globals'
import { lint } from './probes.js'

const test = (body: string) => `import { expect, it } from '@jest/globals'\n${body}\n`
const lines = (count: number) => 'export {}\n' + 'globalThis.name = 1\n'.repeat(count - 1)
const stage = `type Stage = 'a' | 'b'\nexport function next(stage: Stage): number {\n  switch (stage) {\n    case 'a':\n      return 1\n`

interface Rule {
  rule: string
  path: string
  bad: string
  good: string
  goodPath?: string
}

const RULES: Rule[] = [
  {
    rule: 'typescript(no-floating-promises)',
    path: 'stores/probe.ts',
    bad: 'export function f(p: Promise<void>) {\n  p.then(() => 1)\n}\n',
    good: 'export async function f(p: Promise<void>) {\n  await p.then(() => 1)\n}\n',
  },
  {
    rule: 'typescript(no-misused-promises)',
    path: 'stores/probe.ts',
    bad: 'export function f(p: Promise<boolean>) {\n  return p ? 1 : 2\n}\n',
    good: 'export async function f(p: Promise<boolean>) {\n  return (await p) ? 1 : 2\n}\n',
  },
  {
    rule: 'typescript(switch-exhaustiveness-check)',
    path: 'domain/probe.ts',
    bad: `${stage}  }\n  return 0\n}\n`,
    good: `${stage}    case 'b':\n      return 2\n  }\n}\n`,
  },
  {
    rule: 'typescript(no-explicit-any)',
    path: 'domain/probe.ts',
    bad: 'export const f = (x: any) => String(x)\n',
    good: 'export const f = (x: unknown) => String(x)\n',
  },
  {
    rule: 'typescript(consistent-type-imports)',
    path: 'stores/probe.ts',
    bad: `import { DataSource } from 'typeorm'\nexport const f = (x: DataSource) => x.isInitialized\n`,
    good: `import type { DataSource } from 'typeorm'\nexport const f = (x: DataSource) => x.isInitialized\n`,
  },
  {
    rule: 'eslint(no-unused-vars)',
    path: 'stores/probe.ts',
    bad: `import { join } from 'node:path'\nexport const f = 1\n`,
    good: `import { join } from 'node:path'\nexport const f = join('a', 'b')\n`,
  },
  {
    rule: 'eslint(eqeqeq)',
    path: 'domain/probe.ts',
    bad: 'export const f = (x: unknown) => x == 1\n',
    good: 'export const f = (x: unknown) => x == null || x === 1\n',
  },
  {
    rule: 'node(no-process-env)',
    path: 'stores/probe.ts',
    bad: 'export const home = process.env.HOME\n',
    good: 'export const home = process.env.HOME\n',
    goodPath: 'config/probe.ts',
  },
  {
    rule: 'eslint(max-lines)',
    path: 'domain/probe.ts',
    bad: lines(401),
    good: lines(400),
  },
  {
    rule: 'eslint(max-lines)',
    path: 'worker/probe.ts',
    bad: lines(401),
    good: lines(401),
    goodPath: 'test/probe.ts',
  },
  {
    rule: 'jest(expect-expect)',
    path: 'test/probe.test.ts',
    bad: test(`it('adds', () => void (1 + 1))\nexpect.extend({})`),
    good: test(`it('adds', () => expect(1 + 1).toBe(2))`),
  },
  {
    rule: 'jest(no-focused-tests)',
    path: 'test/probe.test.ts',
    bad: test(`it.only('adds', () => expect(1 + 1).toBe(2))`),
    good: test(`it('adds', () => expect(1 + 1).toBe(2))`),
  },
  {
    rule: 'jest(no-disabled-tests)',
    path: 'test/probe.test.ts',
    bad: test(`it.skip('adds', () => expect(1 + 1).toBe(2))`),
    good: test(`it('adds', () => expect(1 + 1).toBe(2))`),
  },
]

// probe.ts becomes probe3-bad.ts: the folder and the ending, by which rules choose, stay.
const at = (path: string, n: number, kind: string) => path.replace('probe', `probe${n}-${kind}`)

describe('lint', () => {
  let found: Map<string, string[]>
  beforeAll(async () => {
    const sources: Record<string, string> = {
      'domain/cycle-a.ts': `import { b } from './cycle-b.js'\nexport const a = () => b\n`,
      'domain/cycle-b.ts': `import { a } from './cycle-a.js'\nexport const b = () => a\n`,
      'domain/line-a.ts': `import { b } from './line-b.js'\nexport const a = () => b\n`,
      'domain/line-b.ts': `export const b = 1\n`,
    }
    RULES.forEach(({ path, goodPath, bad, good }, n) => {
      sources[at(path, n, 'bad')] = bad
      sources[at(goodPath ?? path, n, 'good')] = good
    })
    found = await lint(sources)
  })

  RULES.forEach(({ rule, path, goodPath }, n) => {
    it(`enforces ${rule} in ${path}`, () => {
      expect(found.get(at(path, n, 'bad'))).toEqual([rule])
      expect(found.get(at(goodPath ?? path, n, 'good'))).toEqual([])
    })
  })

  it('enforces import(no-cycle)', () => {
    expect(found.get('domain/cycle-a.ts')).toEqual(['import(no-cycle)'])
    expect(found.get('domain/line-a.ts')).toEqual([])
  })
})
