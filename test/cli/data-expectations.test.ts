import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { parse } from 'yaml'
import { checkSuite } from '../../domain/expectations/suite.js'
import { expectation, Rest, suite, Suites } from '../../sdk/index.js'
import { TestApi } from '../api/support/api.js'
import { Harness } from '../support/harness.js'

const run = promisify(execFile)
const CLI = fileURLToPath(new URL('../../cli/main.js', import.meta.url))

const SUITE = `name: prices
expectations:
  - { type: expect_column_values_to_be_between, column: price, min_value: 0, max_value: 5 }
  - { type: expect_column_values_to_be_unique, column: price, severity: warn }
`

describe('mlforge data expectations', () => {
  let harness: Harness
  let api: TestApi
  let directory: string
  beforeAll(async () => {
    harness = await Harness.start({ queues: ['workflows', 'io'] })
    api = await TestApi.beside(harness)
    directory = await mkdtemp(join(tmpdir(), 'mlforge-cli-expectations-'))
    await harness.ended(await harness.commit('orders', 'id,price\n1,3\n2,3\n3,9\n'))
    await writeFile(join(directory, 'suite.yaml'), SUITE)
  })
  afterAll(async () => {
    await api?.stop()
    await harness?.stop()
    await rm(directory, { recursive: true, force: true })
  })

  const cli = async (verb: string, ...args: string[]) => {
    const env = { ...process.env, MLFORGE_API_URL: api.url, MLFORGE_API_KEY: 'mlf_operator' }
    const all = [CLI, 'data', 'expectations', verb, '--dataset', 'orders', ...args]
    return run(process.execPath, all, { cwd: directory, env })
  }

  it('keeps a suite of a file, and shows it and its versions', async () => {
    const set = await cli('set', 'suite.yaml', '-m', 'a start', '--author', 'Ada')
    expect(set.stdout).toMatch(/^orders, suite version 1 \(current\): 2 expectations {2}\S+Z {2}Ada\n$/)
    expect((await cli('set', 'suite.yaml')).stdout).toMatch(/version 1 .*, which had this content already\n$/)
    const shown = await cli('show')
    expect(shown.stdout).toMatch(/^# orders, suite version 1 \(current\)/)
    expect(checkSuite(parse(shown.stdout))).toEqual(checkSuite(parse(SUITE)))
    await writeFile(join(directory, 'none.json'), '[]')
    await cli('set', 'none.json', '--expected', '1')
    expect((await cli('log')).stdout).toMatch(
      /^orders, suite version 2 \(current\): 0 .*\norders, suite version 1: 2 .*Ada\n {4}a start\n$/,
    )
    expect(JSON.parse((await cli('show', '1', '--json')).stdout)).toMatchObject({ version: 1, author: 'Ada' })
    await expect(cli('set', 'suite.yaml', '--expected', '7')).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringContaining('suite_moved'),
    })
  })

  it('checks a version, with an exit code for whoever asks', async () => {
    await cli('set', 'suite.yaml')
    const failed: { stdout: string } = await cli('check').catch((error: { stdout: string; code: number }) => {
      expect(error.code).toBe(1)
      return error
    })
    expect(failed.stdout).toMatch(
      /^orders, version 1, suite version 1: 2 expectations, 1 failed, 1 warned\n {2}2 expectations in 2 scans: rows and aggregates \(2\), uniqueness \(1\)\n {2}failed {2}expect_column_values_to_be_between\(.*: 1 row, first row 3: \{"id":3,"price":9\}\n {2}warned {2}expect_column_values_to_be_unique.*2 rows, first row 1/,
    )
    expect((await cli('check', '1', '--suite', '2')).stdout).toMatch(
      /: 0 expectations, 0 failed, 0 warned\n$/,
    )
  })

  it('makes one to start from, which holds', async () => {
    await cli('infer', '-o', 'inferred.yaml')
    const inferred = await readFile(join(directory, 'inferred.yaml'), 'utf8')
    expect(checkSuite(parse(inferred)).expectations.length).toBeGreaterThan(5)
    await cli('set', 'inferred.yaml')
    const checked = JSON.parse((await cli('check', '--json')).stdout) as object
    expect(checked).toMatchObject({ validation: { status: 'succeeded', found: { failed: 0, warned: 0 } } })
    expect((await cli('check')).stdout).toMatch(
      /\n {2}\d+ expectations in 1 scan: rows and aggregates \(\d+\), names and types alone \(\d+\)\n$/,
    )
  })

  it('takes over a suite of Great Expectations, and tells what it cannot', async () => {
    const kwargs = { column: 'price', min_value: 1, batch_id: 'x' }
    const file = {
      expectation_suite_name: 'theirs',
      expectations: [
        { expectation_type: 'expect_column_values_to_be_between', kwargs, meta: {} },
        { expectation_type: 'expect_column_values_to_be_secret', kwargs: { column: 'price' } },
      ],
    }
    await writeFile(join(directory, 'gx.json'), JSON.stringify(file))
    const { stdout, stderr } = await cli('import', 'gx.json')
    expect(parse(stdout)).toEqual({
      name: 'theirs',
      expectations: [
        { type: 'expect_column_values_to_be_between', column: 'price', min_value: 1, severity: 'error' },
      ],
    })
    expect(stderr).toBe(
      'left out expectations[1] expect_column_values_to_be_secret: MLForge has no expectation of this type.\n',
    )
  })

  it('says what is wrong, and where in the file', async () => {
    await writeFile(join(directory, 'wrong.yaml'), SUITE.replace('max_value', 'max_vale'))
    await expect(cli('set', 'wrong.yaml')).rejects.toMatchObject({
      stderr: expect.stringMatching(/wrong\.yaml:3:78: is not a parameter .*"max_value"/),
    })
    await writeFile(
      join(directory, 'list.yaml'),
      '- type: expect_column_values_to_not_be_null\n  column: prize\n',
    )
    await expect(cli('set', 'list.yaml')).rejects.toMatchObject({
      stderr: expect.stringMatching(/list\.yaml:2:3.*"price"/),
    })
    await writeFile(join(directory, 'broken.yaml'), 'expectations: [')
    await expect(cli('set', 'broken.yaml')).rejects.toMatchObject({
      stderr: expect.stringMatching(/broken\.yaml:1/),
    })
    await expect(cli('set', 'away.yaml')).rejects.toMatchObject({
      stderr: expect.stringContaining('There is no file "away.yaml"'),
    })
    await expect(cli('import', 'suite.yaml')).rejects.toMatchObject({
      stderr: expect.stringContaining('is no JSON'),
    })
    await expect(cli('show', 'first')).rejects.toMatchObject({
      stderr: expect.stringContaining('"first" is no version of a suite'),
    })
  })

  it('takes one that is written in TypeScript', async () => {
    const suites = new Suites(new Rest(api.url, 'mlf_operator'), 'orders')
    const written = suite('typed', [
      expectation('expect_column_values_to_be_between', { column: 'price', max_value: 10, mostly: 0.9 }),
    ])
    const { version } = await suites.put(written)
    const { validation, results } = await suites.check({ suite: version })
    expect(validation).toMatchObject({ status: 'succeeded', suite: { version } })
    expect(results).toMatchObject([{ passed: true }])
  })
})
