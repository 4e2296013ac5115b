import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { loadSettings } from '../../config/load.js'
import { readPipelines } from '../../config/pipeline-yaml.js'
import type { MlforgeError } from '../../domain/errors.js'
import { compilePipeline } from '../../domain/pipelines/compile.js'

const FILE = 'p.yaml'

/** Problems as `line:column message`. */
function problemsOf(text: string): string[] {
  const { definitions, problems } = readPipelines(text, FILE)
  if (problems.length > 0) expect(definitions).toEqual([])
  return problems.map(({ at, message }) => `${at.replace(`${FILE}:`, '')} ${message}`)
}

/** A pipeline of steps that are written below `steps:`, from line 3 on. */
const steps = (...lines: string[]) => ['name: p', 'steps:', ...lines.map(line => `  ${line}`)].join('\n')

const LOAD = 'load: { uses: dataset, with: { dataset: bike } }'

describe('a text that is no definition', () => {
  it.each([
    ['nothing', '', ['1:1 There is nothing in it.']],
    ['a comment', '# later', ['1:1 There is nothing in it.']],
    ['an empty document', '---\n', ['1:1 There is nothing in it.']],
    ['broken syntax', 'name: p\nsteps: {', [/^2:9 .*must be sufficiently indented/]],
    ['tabs', 'name: p\nsteps:\n\tx: 1', [/^3:1 Tabs are not allowed as indentation/]],
    [
      'several documents',
      'name: p\n---\nname: q',
      ['2:1 Only one document can be read; take the "---" away.'],
    ],
    [
      'keys that are there twice, all of them',
      steps(LOAD, LOAD) + '\nname: q',
      ['5:1 The key "name" is there twice.', '4:3 The key "load" is there twice.'],
    ],
    ['a number and a text as one key', 'a: { 1: x, "1": y }', ['1:12 The key "1" is there twice.']],
    ['a key that is no text', '? [a, b]\n: 1', ['1:3 A key must be text.']],
    ['a tag nobody knows', 'steps: !secret x', [/^1:8 Unresolved tag: !secret/]],
    [
      'what JSON cannot hold, all of it',
      steps('x: { uses: compare, with: { candidate: .nan, reference: -.inf } }'),
      ['3:42 Only values that JSON has can be used.', '3:59 Only values that JSON has can be used.'],
    ],
    ['bytes', 'steps: !!binary aGVsbG8=', ['1:17 Only values that JSON has can be used.']],
    ['an alias of nothing', 'steps: *none', ['1:8 There is no "&none" before this.']],
    ['an alias within itself', 'a: &a { b: [*a] }', ['1:13 "*a" stands within what it repeats.']],
    [
      'neither pipelines nor a pipeline',
      'api: { port: 1 }',
      ['1:1 There is no "pipelines" in it, and it is no pipeline itself: it has no "steps".'],
    ],
    [
      'a list',
      '- a',
      ['1:1 There is no "pipelines" in it, and it is no pipeline itself: it has no "steps".'],
    ],
    ['pipelines that are a number', 'api: {}\npipelines: 3', ['2:1 "pipelines" must hold keys and values.']],
    ['no pipelines', 'pipelines: {}', ['1:1 Give at least one pipeline.']],
  ])('is told as such: %s', (_, text, expected) => {
    const found = problemsOf(text)
    expect(found).toHaveLength(expected.length)
    expected.forEach((each, i) => {
      if (typeof each === 'string') expect(found[i]).toBe(each)
      else expect(found[i]).toMatch(each)
    })
  })

  it('is read up to 512 KiB of characters', () => {
    const text = `${steps(LOAD)}\n`
    const fill = (length: number) => text + '#'.repeat(length - text.length)
    expect(problemsOf(fill(2 ** 19))).toEqual([])
    expect(problemsOf(fill(2 ** 19 + 1))).toEqual(['1:1 It has 524289 characters, more than 524288.'])
  })

  it('cannot grow by aliases', () => {
    const level = (name: string, of: string) =>
      `${name}: &${name} [${Array.from({ length: 9 }, () => of).join(', ')}]`
    const bomb = [level('a', 'x'), ...['b', 'c', 'd', 'e'].map((at, i) => level(at, `*${'abcd'[i]}`))]
    expect(problemsOf([...bomb, 'steps: *e'].join('\n'))).toEqual([
      '2:8 Aliases repeat too much of it: at most 100 can be used.',
    ])
  })

  const brackets = (depth: number) => '['.repeat(depth) + ']'.repeat(depth)
  it.each([
    ['open lists', '['.repeat(500_000), '1:200'],
    ['closed lists', brackets(250_000), '1:200'],
    ['lists in objects', '{a: ['.repeat(100_000), '1:500'],
    ['lines', Array.from({ length: 900 }, (_, i) => `${' '.repeat(i)}k:`).join('\n'), '201:201'],
    ['dashes in a line', '- '.repeat(250_000), '1:401'],
    ['questions in a line', '? '.repeat(250_000), '1:401'],
    ['colons in a line', 'a: '.repeat(170_000), '1:601'],
    ['lists below texts', `a: "[[["\nb: |\n  [[[\nc: ${brackets(300)}`, '4:202'],
  ])('that is nested too deeply is not parsed: %s', (_, text, at) => {
    expect(problemsOf(text)).toEqual([`${at} It is nested deeper than 200 levels.`])
  })

  it('is not taken for a deep one because it is long or holds brackets', () => {
    const text = `"${'['.repeat(1000)}"`
    const lines = Array.from(
      { length: 300 },
      (_, i) => `s${i}: { uses: script, with: { command: [${text.slice(0, 20)}"] } }`,
    )
    expect(problemsOf(steps(`x: { uses: dataset, with: { dataset: ${text} } }`))).toEqual([])
    expect(problemsOf(steps(...lines))).toEqual([])
  })

  it('is told to be nested too deeply for a definition', () => {
    const text = steps(`x: { uses: http, with: { url: "http://x", body: ${brackets(150)} } }`)
    expect(problemsOf(text)).toEqual(['3:20 It is nested deeper than 100 levels.'])
  })
})

describe('a definition', () => {
  it.each([
    [
      'an unknown step type',
      steps('x: { uses: qery }'),
      [/^3:8 There is no step type "qery"\. Did you mean "query"\? There are: dataset, /],
    ],
    [
      'inputs that are unknown or missing',
      steps('x: { uses: dataset, with: { datset: bike } }'),
      [
        '3:3 Step type "dataset" needs the input "dataset": text.',
        '3:31 "dataset" has no input "datset". Did you mean "dataset"? Known: dataset.',
      ],
    ],
    [
      'an unknown field',
      steps('load:', '  uses: dataset', '  with: { dataset: bike }', '  timout: 3'),
      [/^6:5 There is no field "timout" here\. Did you mean "timeout"\?/],
    ],
    [
      'an unknown step, output and parameter',
      [
        'name: p',
        'parameters: { rounds: { type: integer } }',
        'steps:',
        `  ${LOAD}`,
        '  x:',
        '    uses: query',
        '    with:',
        '      sql: SELECT ${{ parameters.round }}',
        '      tables:',
        '        a: ${{ steps.laod.table }}',
        '        b: ${{ steps.load.tabel }}',
      ].join('\n'),
      [
        '8:7 There is no parameter "round". Did you mean "rounds"?',
        '10:9 There is no step "laod". Did you mean "load"?',
        '11:9 Step "load" ("dataset") has no output "tabel". Did you mean "table"? It has: name, version, root, rows, table.',
      ],
    ],
    [
      'a need of nobody, and of itself',
      steps('x: { uses: dataset, needs: [lod, x], with: { dataset: bike } }', LOAD),
      ['3:31 There is no step "lod". Did you mean "load"?', '3:36 Step "x" needs itself.'],
    ],
    [
      'a circle',
      steps(
        'a: { uses: compare, with: { candidate: 1, reference: "${{ steps.c.ratio }}" } }',
        'b: { uses: compare, with: { candidate: "${{ steps.a.ratio }}", reference: 1 } }',
        'c: { uses: compare, needs: b, with: { candidate: 1, reference: 1 } }',
      ),
      [/^3:3 Steps wait for each other: a -> c -> b -> a\.$/],
    ],
    [
      'literals of a wrong type',
      steps(
        'x: { uses: compare, with: { candidate: low, reference: 1 } }',
        'y: { uses: script, with: { command: ls } }',
        'z: { uses: http, with: { url: "http://x", method: FETCH } }',
      ),
      [
        '3:31 Must be a number, and is "low".',
        '4:30 Must be a list of texts, and is "ls".',
        '5:45 "FETCH" is not one of GET, POST, PUT, PATCH, DELETE.',
      ],
    ],
    [
      'references of a wrong type',
      steps(
        LOAD,
        'x: { uses: compare, with: { candidate: "${{ steps.load.table }}", reference: 1 } }',
        'y: { uses: validate, with: { table: "${{ steps.load.rows }}", expectations: [] } }',
        'z: { uses: notify, with: { url: "http://x", text: "of ${{ steps.load.table }}" } }',
      ),
      [
        '4:31 steps.load.table is a table of a step, such as ${{ steps.load.table }}; expected is a number.',
        '5:32 steps.load.rows is a whole number; expected is a table of a step, such as ${{ steps.load.table }}.',
        '6:47 steps.load.table is a table of a step, such as ${{ steps.load.table }}: it has no place within a text.',
      ],
    ],
    [
      'references that cannot be read',
      steps(
        'x: { uses: notify, with: { url: "http://x", text: "${{ run.name }} ${{ steps.x" } }',
        'y: { uses: notify, with: { url: "http://x", text: "${{ steps.y.status }}" } }',
      ),
      [
        '3:47 "run.name" is no reference. Write parameters.<name>, steps.<step>.<output>, run.<field>, or item and index within a map.',
        '3:47 "${{ steps.x" has no closing }}.',
        '4:47 Step "y" refers to itself.',
      ],
    ],
    [
      'outcomes of effects that are to be taken over',
      steps('x: { uses: http, cache: true, with: { url: "http://x" } }'),
      ['3:20 Outcomes of "http" are never taken over: it acts, or depends on the moment.'],
    ],
    [
      'durations',
      steps(
        'a: { uses: dataset, timeout: soon, with: { dataset: bike } }',
        'b: { uses: dataset, timeout: 0, with: { dataset: bike } }',
        'c: { uses: dataset, retry: { maxAttempts: 101, delay: 2w }, with: { dataset: bike } }',
        'd: { uses: query, cache: { maxAge: -1d }, with: { sql: x, tables: {} } }',
      ),
      [
        '3:23 Must be seconds, or text such as "90s", "10m", "2h" or "1d".',
        '4:23 Must be 1 to 2592000 seconds, and is 0.',
        '5:32 Must be a whole number of 1 to 100.',
        '5:50 Must be seconds, or text such as "90s", "10m", "2h" or "1d".',
        '6:30 Must be seconds, or text such as "90s", "10m", "2h" or "1d".',
      ],
    ],
    [
      'parameters',
      [
        'name: p',
        'parameters:',
        '  A: { type: string }',
        '  a: { type: int }',
        '  b: { type: integer, default: 1.5 }',
        '  c: { type: string, choices: [x, y], default: z }',
        '  d: { default: 1 }',
        '  constructor: { type: string }',
        `steps: { ${LOAD} }`,
      ].join('\n'),
      [
        /^3:3 "A" cannot name a parameter\./,
        '4:8 "int" is not one of string, integer, number, boolean, json.',
        '5:23 Must be a whole number, and is 1.5.',
        '6:39 "z" is not among the choices.',
        '7:3 It needs a type: string, integer, number, boolean, json.',
        /^8:3 "constructor" cannot name a parameter: a request cannot hold it\./,
      ],
    ],
    [
      'names and settings',
      `name: My Pipeline\nparallel: 0\nonFailure: panic\nretry: { codes: [los], delay: 1m }\nsteps: { Load: { uses: dataset, with: { dataset: bike } } }`,
      [
        /^1:1 A pipeline needs a name\./,
        /^5:10 "Load" cannot name a step\./,
        '2:1 Must be a whole number of 1 to 100.',
        /^3:1 "panic" is not one of finish_others, stop\./,
        '4:1 "retry" needs maxAttempts.',
        /^4:18 "los" is no error code\. Did you mean "lost"\?/,
      ],
    ],
    [
      'characters that cannot be kept',
      steps('x: { uses: notify, with: { url: "http://x\\0", text: "\\uD800" } }'),
      [
        '3:30 It holds a character that cannot be kept: NUL, or half of one.',
        '3:49 It holds a character that cannot be kept: NUL, or half of one.',
      ],
    ],
    ['no steps', 'pipelines: { p: {} }', ['1:14 It has no "steps". Give at least one.']],
    [
      'several pipelines',
      ['pipelines:', '  a:', '    steps: { x: { uses: quer } }', '  b: 3'].join('\n'),
      [/^3:19 There is no step type "quer"/, '4:3 A pipeline must hold keys and values.'],
    ],
  ])('says all that is wrong at once, each in its place: %s', (_, text, expected) => {
    const found = problemsOf(text)
    expect({ found, count: found.length }).toMatchObject({ count: expected.length })
    expected.forEach((each, i) => {
      if (typeof each === 'string') expect(found[i]).toBe(each)
      else expect(found[i]).toMatch(each)
    })
  })

  it('of 64 KiB and 500 steps at most', () => {
    const many = (count: number, text = '') =>
      steps(
        ...Array.from(
          { length: count },
          (_, i) => `s${i}: { uses: dataset, description: "${text}", with: { dataset: bike } }`,
        ),
      )
    expect(problemsOf(many(500))).toEqual([])
    expect(problemsOf(many(501))).toEqual([
      '2:1 501 steps are more than 500. Put some into a pipeline of their own.',
    ])
    expect(problemsOf(many(100, 'x'.repeat(600)))).toEqual([
      expect.stringMatching(/^1:1 It has \d+ bytes as canonical JSON, more than 65536\./),
    ])
    expect(problemsOf(many(400, 'x'.repeat(900)))).toEqual([
      '1:1 It is larger than what can be kept: 65536 bytes.',
    ])
  })

  it('with hundreds of mistakes is told the first hundred of them', () => {
    const lines = Array.from({ length: 300 }, (_, i) => `s${i}: { uses: quer }`)
    expect(problemsOf(steps(...lines))).toHaveLength(100)
    const pipelines = lines.map((_, i) => `  p${i}: {}`)
    expect(problemsOf(['pipelines:', ...pipelines].join('\n'))).toHaveLength(100)
  })

  it('may have a step that is called like what every object has', () => {
    const text = [
      'name: p',
      'steps:',
      '  constructor: { uses: notify, with: { url: "http://x", text: a } }',
      '  after: { uses: compare, with: { candidate: "${{ steps.constructor.status }}", reference: 1 } }',
    ].join('\n')
    expect(problemsOf(text)).toEqual([])
  })

  it('is the same in JSON, alone and among others, with aliases of what it repeats', () => {
    const source = {
      parameters: { from: { type: 'integer', default: 1 } },
      steps: { load: { uses: 'dataset', with: { dataset: 'bike@${{ parameters.from }}' } } },
    }
    const [alone] = readPipelines(JSON.stringify({ name: 'p', ...source }), FILE).definitions
    expect(alone).toMatchObject({ schema: 1, name: 'p', parallel: 20, onFailure: 'finish_others' })
    expect(readPipelines(JSON.stringify({ pipelines: { p: source } }), FILE).definitions).toEqual([alone])
    const yaml = [
      'pipelines:',
      '  p: &same',
      '    parameters: { from: { type: integer, default: 1 } }',
      '    steps: { load: { uses: dataset, with: { dataset: "bike@${{ parameters.from }}" } } }',
      '  q: *same',
    ].join('\n')
    expect(readPipelines(yaml, FILE)).toEqual({ definitions: [alone, { ...alone, name: 'q' }], problems: [] })
  })
})

describe('whatever is given', () => {
  const words = [
    'name: p',
    'steps:',
    'pipelines:',
    'with:',
    'uses: query',
    '- ',
    '? ',
    ': ',
    '{',
    '}',
    '[',
    ']',
  ]
  const marks = [
    '\n',
    '\n  ',
    '&a ',
    '*a',
    '!!x ',
    '"',
    "'",
    '|',
    '>',
    '#',
    ',',
    '---',
    '${{',
    '}}',
    '\t',
    '\0',
    '.nan',
  ]
  const text = fc.array(fc.oneof(fc.constantFrom(...words, ...marks), fc.string({ maxLength: 4 })), {
    maxLength: 60,
  })

  it('is a definition or has problems with places in it', () => {
    fc.assert(
      fc.property(text, parts => {
        const source = parts.join('')
        const { definitions, problems } = readPipelines(source, FILE)
        expect(definitions.length > 0 || problems.length > 0).toBe(true)
        const lines = source.split('\n')
        for (const { at } of problems) {
          const [line, column] = at
            .slice(FILE.length + 1)
            .split(':')
            .map(Number) as [number, number]
          expect(line).toBeLessThanOrEqual(lines.length)
          expect(column).toBeLessThanOrEqual(lines[line - 1]!.length + 1)
        }
      }),
      { numRuns: 1_000 },
    )
  })

  it('as values is a definition or has problems', () => {
    const step = fc.record(
      {
        uses: fc.oneof(fc.constantFrom('query', 'compare', 'http', 'script'), fc.jsonValue()),
        with: fc.oneof(
          fc.dictionary(fc.constantFrom('sql', 'url', 'candidate', 'x'), fc.jsonValue()),
          fc.jsonValue(),
        ),
        needs: fc.jsonValue(),
        retry: fc.jsonValue(),
        cache: fc.jsonValue(),
        timeout: fc.jsonValue(),
      },
      { requiredKeys: [] },
    )
    const pipeline = fc.record(
      {
        steps: fc.oneof(fc.dictionary(fc.constantFrom('a', 'b', 'constructor'), step), fc.jsonValue()),
        parameters: fc.jsonValue(),
        parallel: fc.jsonValue(),
        retry: fc.jsonValue(),
      },
      { requiredKeys: [] },
    )
    fc.assert(
      fc.property(fc.oneof(pipeline, fc.jsonValue()), value => {
        const { definition, problems } = compilePipeline(value, 'p')
        expect(definition === null).toBe(problems.length > 0)
      }),
      { numRuns: 1_000 },
    )
  })
})

it('an mlforge.yaml holds configuration and pipelines: each reader takes its own', () => {
  const directory = mkdtempSync(join(tmpdir(), 'mlforge-pipelines-'))
  try {
    const text = [
      'worker: { trainSlots: 3 }',
      'pipelines:',
      `  p: { steps: { ${LOAD} } }`,
      'api: { port: 8123 }',
    ]
    writeFileSync(join(directory, 'mlforge.yaml'), text.join('\n'))
    const { worker, api } = loadSettings({ env: {}, cwd: directory })
    expect([worker.trainSlots, api.port]).toEqual([3, 8123])
    expect(readPipelines(text.join('\n'), 'mlforge.yaml').definitions).toMatchObject([{ name: 'p' }])
    writeFileSync(join(directory, 'mlforge.yaml'), 'pipeline: {}')
    const problems: unknown[] = []
    try {
      loadSettings({ env: {}, cwd: directory })
    } catch (error) {
      problems.push(...((error as MlforgeError).details.problems ?? []))
    }
    expect(problems).toEqual([
      { at: 'mlforge.yaml:1:1', message: 'Unknown key "pipeline". Did you mean "pipelines"?' },
    ])
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
})
