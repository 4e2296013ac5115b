import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { bundleWorkflowCode } from '@temporalio/worker'
import type { CodeFacts } from '../activities/ports.js'
import { BUNDLE_FILE, CODE_FILE } from './build-files.js'

// Part of the build: workers start from the bundle, so that a restart costs no bundling and every
// worker of a release runs the same workflow code.
const { code } = await bundleWorkflowCode({
  workflowsPath: fileURLToPath(new URL('../workflows/index.js', import.meta.url)),
  logger: { log() {}, trace() {}, debug() {}, info() {}, warn: console.warn, error: console.error },
})
await writeFile(BUNDLE_FILE, code)
await writeFile(CODE_FILE, JSON.stringify(codeFacts()))

function codeFacts(): CodeFacts {
  const root = fileURLToPath(new URL('../..', import.meta.url))
  const { version } = JSON.parse(readFileSync(`${root}/package.json`, 'utf8')) as { version: string }
  const git = (...args: string[]) =>
    execFileSync('git', ['-C', root, ...args], { encoding: 'utf8', stdio: 'pipe' }).trim()
  try {
    return { version, commit: git('rev-parse', 'HEAD'), dirty: git('status', '--porcelain') !== '' }
  } catch {
    // Built outside of a checkout, or before the first commit.
    return { version, commit: null, dirty: false }
  }
}
