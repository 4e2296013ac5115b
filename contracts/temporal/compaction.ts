/** What a tick of compaction did with files of predictions. */
export interface CompactionResult {
  /** Files that were replaced, and by how many. */
  readonly merged: number
  readonly into: number
  readonly rows: number
  /** Merges that could not be made; the log says why. */
  readonly failed: number
  /** Objects of files that were replaced long ago. */
  readonly deleted: number
}
