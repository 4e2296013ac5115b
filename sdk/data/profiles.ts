import type { ProfileDiff, TableProfile } from '../../contracts/rest/profiles.js'
import type { Rest } from '../rest.js'

/** What the rows of versions of a dataset are like, as it was measured when they were committed. */
export class Profiles {
  private readonly path: string

  constructor(
    private readonly rest: Rest,
    dataset: string,
  ) {
    this.path = `/v1/datasets/${encodeURIComponent(dataset)}`
  }

  /** @param version by number, `latest`, branch, tag, or instant in braces */
  get(version: string): Promise<TableProfile> {
    return this.rest.get(this.of(version))
  }

  /** One HTML file. */
  page(version: string): Promise<Uint8Array> {
    return this.rest.download(`${this.of(version)}.html`)
  }

  diff(from: string, to: string): Promise<ProfileDiff> {
    return this.rest.get(`${this.path}/profile-diff?${query(from, to)}`)
  }

  /** One HTML file. */
  diffPage(from: string, to: string): Promise<Uint8Array> {
    return this.rest.download(`${this.path}/profile-diff.html?${query(from, to)}`)
  }

  private of(version: string): string {
    return `${this.path}/versions/${encodeURIComponent(version)}/profile`
  }
}

function query(from: string, to: string): string {
  return `from=${encodeURIComponent(from)}&to=${encodeURIComponent(to)}`
}
