import type { CheckProblem, StackFacts } from './facts.js'

export interface DataRefFacts {
  readonly datasetId: string
  readonly kind: 'branch' | 'tag'
  readonly name: string
  /** Null where it was removed. */
  readonly version: number | null
  /** The object that says so; null until it is written. */
  readonly record: string | null
}

/** A version of a suite or a transformation, or which one is current, and the object that says so. */
export interface DefinitionFacts {
  readonly what: string
  readonly record: string
}

/** Packs, branches and tags, and records of suites and transformations. */
export interface DataFacts {
  readonly dataPacks: readonly { readonly uri: string; readonly bytes: number }[]
  readonly dataRefs: readonly DataRefFacts[]
  readonly definitions: readonly DefinitionFacts[]
  /** Objects that collections have removed: what was done with them before still names them. */
  readonly removedObjects: readonly string[]
}

/** Branches and tags point at versions that are there and can be read. */
export function checkData({ datasets, datasetVersions, dataRefs }: StackFacts): CheckProblem[] {
  return dataRefs.flatMap(({ datasetId, kind, name, version }): CheckProblem[] => {
    if (version === null) return []
    const found = datasetVersions.find(row => row.datasetId === datasetId && row.version === version)
    if (found !== undefined && found.retiredAt === null) return []
    const dataset = datasets.find(({ id }) => id === datasetId)?.name ?? datasetId
    const what = found === undefined ? 'does not exist' : 'was retired'
    return [
      {
        code: 'data_ref_dangling',
        at: `dataset ${dataset} ${kind} ${name}`,
        message: `It points at version ${version}, which ${what}. Move it to another one, and report this.`,
      },
    ]
  })
}
