/** A file that came whole and is well-formed. Commit it as a dataset version by its id. */
export interface Upload {
  id: string
  fileName: string | null
  sha256: string
  bytes: number
  delimiter: string
  columns: string[]
  rows: number
  createdAt: string
}
