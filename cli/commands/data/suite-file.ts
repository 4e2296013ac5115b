import { existsSync, readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { stringify } from 'yaml'
import { readStrictYaml } from '../../../config/strict-yaml.js'
import { MlforgeError, type Problem } from '../../../domain/errors.js'

/** A suite as a file has it. */
export interface SuiteFile {
  readonly suite: unknown
  /** Where in the file a problem is that is at `suite.expectations[0].type`. */
  readonly at: (path: string) => string
}

/** Reads YAML or JSON: a suite, or its list of expectations alone. */
export function readSuiteFile(path: string): SuiteFile {
  const read = readStrictYaml(textOf(path), basename(path))
  if ('problems' in read) throw refused(path, read.problems)
  const { value, at } = read
  const isList = Array.isArray(value)
  return {
    suite: isList ? { expectations: value } : value,
    at: problem => {
      const members = problem.split(/[.[\]]+/).filter(Boolean)
      return at(members.slice(isList ? 2 : 1).map(each => (/^\d+$/.test(each) ? Number(each) : each)))
    },
  }
}

/** The JSON of a suite of Great Expectations. */
export function readJsonFile(path: string): unknown {
  try {
    return JSON.parse(textOf(path)) as unknown
  } catch (error) {
    if (error instanceof MlforgeError) throw error
    throw new MlforgeError('invalid_request', `${path} is no JSON: ${(error as Error).message}`)
  }
}

/** A suite as a file to go on from: YAML. */
export function suiteText(suite: object): string {
  return stringify(suite, { lineWidth: 0 })
}

export function refused(path: string, problems: readonly Problem[]): MlforgeError {
  return new MlforgeError('invalid_request', `${path} is no suite as it is.`, { problems })
}

function textOf(path: string): string {
  if (existsSync(path)) return readFileSync(path, 'utf8')
  throw new MlforgeError('invalid_request', `There is no file "${path}".`)
}
