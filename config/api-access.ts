// Apart from the rest of the configuration: commands that need no more start faster.

/** Address and key of the API that the environment names. */
export function readApiAccess(): { readonly url: string | undefined; readonly key: string | undefined } {
  const { MLFORGE_API_URL: url, MLFORGE_API_KEY: key } = process.env
  return { url: url?.replace(/\/$/, '') || undefined, key: key || undefined }
}
