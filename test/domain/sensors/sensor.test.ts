import { describe, expect, it } from '@jest/globals'
import { fitsGlob, isDeep } from '../../../domain/sensors/glob.js'
import { crosses, secondsToNextLook, type SensorSource } from '../../../domain/sensors/sensor.js'
import { sourceProblems } from '../../../domain/sensors/source-problems.js'

describe('a pattern of file names', () => {
  it.each([
    ['a.csv', '*', true],
    ['a/b.csv', '*', false],
    ['a.csv', '*.csv', true],
    ['a.CSV', '*.csv', false],
    ['.csv', '*.csv', true],
    ['a.csv.tmp', '*.csv', false],
    ['ab.csv', '?.csv', false],
    ['b.csv', '?.csv', true],
    ['2026-01.csv', '20*-*.csv', true],
    ['a.csv', '**/*.csv', true],
    ['a/b/c.csv', '**/*.csv', true],
    ['a/b/c.csv', 'a/**', true],
    ['a/b/c.csv', 'a/*/c.csv', true],
    ['a/b/c.csv', 'a/*.csv', false],
    ['a/x/b/y/c', 'a/**/b/**/c', true],
    ['a/x/y/c', 'a/**/b/**/c', false],
    ['a[b].csv', 'a[b].csv', true],
    ['', '*', true],
  ])('%s fits %s: %s', (path, pattern, fits) => {
    expect(fitsGlob(path, pattern)).toBe(fits)
  })

  it('says whether it reaches into directories below', () => {
    expect(['*', '*.csv', '**', '**/*.csv', 'a/*'].map(isDeep)).toEqual([false, false, true, true, true])
  })
})

describe('a limit of a figure', () => {
  it.each([
    ['above', 1, [false, false, true]],
    ['atLeast', 1, [false, true, true]],
    ['below', 1, [true, false, false]],
    ['atMost', 1, [true, true, false]],
  ] as const)('%s %s', (comparison, limit, crossed) => {
    const of = (value: unknown) => crosses(value, { metric: 'rmse', comparison, limit })
    expect([0, 1, 2].map(of)).toEqual(crossed)
    expect([null, undefined, NaN, Infinity, '2', true].some(of)).toBe(false)
  })
})

it('a sensor whose source is away looks less and less often, never less than its own interval', () => {
  expect([0, 1, 2, 3, 4, 5, 100].map(failures => secondsToNextLook(60, failures))).toEqual([
    60, 120, 240, 480, 900, 900, 900,
  ])
  expect([0, 1, 100].map(failures => secondsToNextLook(3600, failures))).toEqual([3600, 3600, 3600])
})

describe('sources that are refused', () => {
  const at = (source: SensorSource) => sourceProblems(source, 'ingest').map(problem => problem.at)
  it.each(['/etc', '../x', 'a/../b', 'a//b', '', 'C:/x', 'a\\b', 'a\0b', '..'])('directory %j', path => {
    expect(at({ kind: 'directory', path, pattern: '*' })).toEqual(['source.directory.path'])
    expect(at({ kind: 'objects', prefix: path })).toEqual(['source.objects.prefix'])
  })
  it.each(['a', 'a/b', 'a/', '.', 'a b', '..a'])('not directory %j', path => {
    expect(at({ kind: 'directory', path, pattern: '*' })).toEqual([])
  })
  it('objects that MLForge writes, and the pipeline itself', () => {
    expect(at({ kind: 'objects', prefix: 'sha256/aa' })).toEqual(['source.objects.prefix'])
    expect(at({ kind: 'pipeline', name: 'ingest', status: 'any' })).toEqual(['source.pipeline.name'])
    expect(at({ kind: 'pipeline', name: 'other', status: 'any' })).toEqual([])
  })
})
