import { writeFile } from 'node:fs/promises'
import { SERVING_DOCUMENT } from './http/document.js'

/** Writes the OpenAPI description of the routes of serving; api/openapi.ts is its like. */
const [path = 'docs/openapi-serving.json'] = process.argv.slice(2)
await writeFile(path, `${JSON.stringify(SERVING_DOCUMENT, null, 2)}\n`)
