import { refNameProblem } from '../data/selector.js'
import type { Problem } from '../errors.js'
import type { SensorSource } from './sensor.js'

/**
 * What no source may name, before anything is looked at.
 * @param pipeline that each tick starts; null where it starts none
 * @param at of the source in the request
 */
export function sourceProblems(source: SensorSource, pipeline: string | null, at = 'source'): Problem[] {
  switch (source.kind) {
    case 'directory':
      return insideProblems(source.path, `${at}.directory.path`)
    case 'objects': {
      const path = `${at}.objects.prefix`
      const inside = insideProblems(source.prefix, path)
      if (inside.length > 0) return inside
      const own = source.prefix.split('/')[0]
      if (own !== 'sha256') return []
      return [{ at: path, message: 'Below "sha256/" is what MLForge writes itself. Choose another prefix.' }]
    }
    case 'dataset': {
      const message = source.branch === undefined ? null : refNameProblem(source.branch)
      return message === null ? [] : [{ at: `${at}.dataset.branch`, message }]
    }
    case 'pipeline': {
      if (source.name !== pipeline) return []
      const message = `Each run of "${pipeline}" would start the next one, for ever. Name another pipeline.`
      return [{ at: `${at}.pipeline.name`, message }]
    }
    default:
      return []
  }
}

/** Paths lead into a directory, not out of it. */
function insideProblems(path: string, at: string): Problem[] {
  const parts = path.replace(/\/$/, '').split('/')
  const isPlain = parts.every(
    part => part !== '' && part !== '..' && !part.includes('\\') && !part.includes('\0'),
  )
  if (isPlain && !/^[A-Za-z]:/.test(path)) return []
  return [{ at, message: `"${path}" must be a relative path with "/" that has no "..".` }]
}
