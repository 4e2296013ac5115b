import { fileURLToPath } from 'node:url'

/** Workflow code, bundled by the build. */
export const BUNDLE_FILE = fileURLToPath(new URL('workflow-bundle.js', import.meta.url))
/** Version and commit that the build was made from. */
export const CODE_FILE = fileURLToPath(new URL('code.json', import.meta.url))
