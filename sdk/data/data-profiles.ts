import type { ProfileDiff, TableProfile } from '../../contracts/rest/profiles.js'
import type { Rest } from '../rest.js'
import { datasetPath, versionPath } from './paths.js'

export type {
  ColumnDiff,
  ColumnProfile,
  ProfileAlert,
  ProfileDiff,
  TableProfile,
} from '../../contracts/rest/profiles.js'

/** What the rows of versions are like. Versions by number, `latest`, branch, tag or instant in braces. */
export class DataProfiles {
  constructor(private readonly rest: Rest) {}

  of(dataset: string, version: string): Promise<TableProfile> {
    return this.rest.get(`${versionPath(dataset, version)}/profile`)
  }

  diff(dataset: string, from: string, to: string): Promise<ProfileDiff> {
    return this.rest.get(`${datasetPath(dataset)}/profile-diff?${between(from, to)}`)
  }

  /** As a page for a browser: of a version, or of what it has otherwise than another one. */
  page(dataset: string, version: string, comparedWith?: string): Promise<Uint8Array> {
    return this.rest.download(
      comparedWith === undefined
        ? `${versionPath(dataset, version)}/profile.html`
        : `${datasetPath(dataset)}/profile-diff.html?${between(comparedWith, version)}`,
    )
  }
}

function between(from: string, to: string): string {
  return `from=${encodeURIComponent(from)}&to=${encodeURIComponent(to)}`
}
