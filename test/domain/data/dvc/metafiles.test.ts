import { describe, expect, it } from '@jest/globals'
import { parse } from 'yaml'
import { dotDvcText, readDotDvc, readDvcPipeline } from '../../../../domain/data/dvc/metafiles.js'

const MD5 = 'acbd18db4cc2f85cedef654fccc4a4d8'
const yaml = (text: string): unknown => parse(text, { schema: 'failsafe' })
const dotDvc = (out: string, file = 'deep/x.dvc') => readDotDvc(yaml(`outs:\n- ${out}\n`), file)

describe('a .dvc file', () => {
  it('names files and directories', () => {
    const read = readDotDvc(
      yaml(`wdir: ..
outs:
- md5: ${MD5}
  isexec: true
  hash: md5
  path: run.sh
- md5: ${MD5}.dir
  size: 3
  path: ./old//data/
  remote: other
`),
      'deep/x.dvc',
    )
    expect(read).toEqual({
      outputs: [
        {
          path: 'run.sh',
          md5: MD5,
          isDirectory: false,
          files: null,
          hash: 'md5',
          isExecutable: true,
          remote: null,
          isPushed: true,
        },
        {
          path: 'old/data',
          md5: MD5,
          isDirectory: true,
          files: null,
          hash: 'md5-dos2unix',
          isExecutable: false,
          remote: 'other',
          isPushed: true,
        },
      ],
      leftOut: [],
      problems: [],
    })
  })

  it('may have the list of files itself', () => {
    const { outputs } = dotDvc(`{path: d, hash: md5, files: [{relpath: a, md5: ${MD5}}]}`)
    expect(outputs).toMatchObject([
      { path: 'deep/d', isDirectory: true, files: [{ relpath: 'a', md5: MD5 }], hash: 'md5' },
    ])
  })

  it('has hashes that look like numbers', () => {
    const digits = '1'.repeat(32)
    expect(dotDvc(`{path: a, md5: ${digits}, hash: md5}`).outputs).toMatchObject([{ md5: digits }])
    const exponent = `${'1'.repeat(20)}e${'1'.repeat(11)}`
    expect(dotDvc(`{path: a, md5: ${exponent}, hash: md5}`).outputs).toMatchObject([{ md5: exponent }])
  })

  it.each([
    ['{path: a, md5: zz, hash: md5}', 'The MD5 of its output "a" is none.'],
    [`{path: a, md5: ${MD5.toUpperCase()}, hash: md5}`, 'The MD5 of its output "a" is none.'],
    [`{path: ../../a, md5: ${MD5}}`, 'not within the repository'],
    [`{path: /etc/passwd, md5: ${MD5}}`, 'not within the repository'],
    [`{path: "s3://bucket/a", md5: ${MD5}}`, 'not within the repository'],
    [`{path: "..", md5: ${MD5}}`, 'not within the repository'],
    [`{md5: ${MD5}}`, 'An output of it has no path.'],
    [`{path: a, md5: ${MD5}, hash: sha1}`, 'hashed by "sha1"'],
  ])('refuses %s', (out, why) => {
    const { outputs, problems } = dotDvc(out)
    expect(outputs).toEqual([])
    expect(problems).toEqual([{ at: 'deep/x.dvc', message: expect.stringContaining(why) }])
  })

  it.each([
    [`{path: a, md5: ${MD5}, cache: false}`, 'cache: false'],
    ['{path: a}', 'no MD5'],
  ])('leaves out %s', (out, why) => {
    expect(dotDvc(out)).toEqual({
      outputs: [],
      leftOut: [{ at: 'deep/a', message: expect.stringContaining(why) }],
      problems: [],
    })
  })

  it('may have no outputs, or nothing in it', () => {
    const nothing = { outputs: [], leftOut: [], problems: [] }
    for (const text of ['outs:\n', 'deps:\n- path: a\n', '', 'a']) {
      expect(readDotDvc(yaml(text), 'x.dvc')).toEqual(nothing)
    }
    const absolute = readDotDvc(yaml(`wdir: /tmp\nouts:\n- {path: a, md5: ${MD5}}\n`), 'x.dvc')
    expect(absolute.problems).toHaveLength(1)
  })

  it('is read as it was written', () => {
    const text = dotDvcText(
      { path: 'no', md5: MD5, bytes: 7, files: 2 },
      { dataset: 'no', version: 3, manifest: 'f'.repeat(64) },
    )
    expect(readDotDvc(yaml(text), 'no.dvc').outputs).toMatchObject([
      { path: 'no', md5: MD5, isDirectory: true, hash: 'md5' },
    ])
    expect(parse(text)).toMatchObject({
      outs: [{ size: 7, nfiles: 2 }],
      meta: { mlforge: { dataset: 'no', version: 3 } },
    })
  })
})

const PIPELINE = `
stages:
  clean:
    cmd: make
    wdir: work
    outs: [./out/, kept: {persist: true, remote: other}]
    metrics: [m.json: {cache: false}]
    plots: [p.csv: [{x: a, cache: false}]]
  each:
    foreach: [a, b]
    do:
      cmd: make
      outs: ["by-\${item}.csv", "m-\${item}.json": {cache: false}]
  never:
    cmd: make
    outs: [n]
  nothing:
    cmd: make
`
const out = (path: string) => `{path: ${path}, hash: md5, md5: ${MD5}}`
const LOCK = `
  clean: {cmd: make, outs: [${['out', 'kept', 'm.json', 'p.csv', 'renamed'].map(out).join(', ')}]}
  each@a: {cmd: make, outs: [${out('by-a.csv')}, ${out('m-a.json')}]}
  each@b: {cmd: make, outs: [${out('by-b.csv')}]}
  gone: {cmd: make, outs: [${out('gone')}]}
`

describe('a pipeline', () => {
  it.each([
    ['of schema 2.0', `schema: '2.0'\nstages:${LOCK}`],
    ['of before it', LOCK],
  ])('has made what its lock says and it declares, %s', (_, lock) => {
    const { outputs, leftOut, problems } = readDvcPipeline(yaml(PIPELINE), yaml(lock), 'sub/dvc.yaml')
    expect(outputs.map(({ path, remote }) => [path, remote])).toEqual([
      ['sub/work/out', null],
      ['sub/work/kept', 'other'],
      ['sub/by-a.csv', null],
      ['sub/by-b.csv', null],
    ])
    expect(leftOut.map(({ at }) => at)).toEqual([
      'sub/work/m.json',
      'sub/work/p.csv',
      'sub/m-a.json',
      'sub/dvc.yaml:never',
    ])
    expect(problems).toEqual([])
  })

  it('may not have run', () => {
    expect(readDvcPipeline(yaml(PIPELINE), null, 'dvc.yaml')).toMatchObject({
      outputs: [],
      leftOut: ['clean', 'each', 'never'].map(name => ({ at: `dvc.yaml:${name}` })),
    })
  })

  it('cannot be read where its directory is a template, or elsewhere', () => {
    const stage = (wdir: string) => yaml(`stages: {s: {cmd: a, wdir: "${wdir}", outs: [a]}}`)
    const lock = yaml(`schema: '2.0'\nstages: {s: {outs: [${out('a')}]}}`)
    for (const wdir of ['${dir}', '/tmp', '../..']) {
      expect(readDvcPipeline(stage(wdir), lock, 'sub/dvc.yaml')).toMatchObject({
        outputs: [],
        problems: [{ at: 'sub/dvc.yaml:s' }],
      })
    }
  })
})
