/** Address of a dataset. */
export function datasetPath(dataset: string): string {
  return `/v1/datasets/${encodeURIComponent(dataset)}`
}

/** Address of a version, by number, `latest`, branch, tag or instant in braces. */
export function versionPath(dataset: string, selector: string): string {
  return `${datasetPath(dataset)}/versions/${encodeURIComponent(selector)}`
}
