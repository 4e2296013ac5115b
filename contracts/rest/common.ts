/** A page of a list, newest first. Pass `nextCursor` as `cursor` to go on; absent on the last page. */
export interface Page<T> {
  items: T[]
  nextCursor?: string
}

export interface PageQuery {
  /** 1 to 200, 50 by default. */
  limit?: number
  cursor?: string
}

/** Errors, as RFC 9457 `application/problem+json`. `code` is stable; `problems` lists all that is wrong. */
export interface ProblemDetails {
  type: string
  title: string
  status: number
  detail: string
  code: string
  instance?: string
  problems?: { at: string; message: string }[]
  [extension: string]: unknown
}

/** A downloadable object. */
export interface Artifact {
  name: string
  bytes: number
  sha256: string
  contentType: string
  /** Path of the download in this API. */
  href: string
}
