import { execFile } from 'node:child_process'
import { copyFile, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'

const CHECKOUT = join(import.meta.dirname, '../../..')

interface Report {
  readonly diagnostics: readonly { readonly code: string; readonly filename: string }[]
}

/**
 * Lints sources (path in the checkout -> text) with the project's configuration, in a directory of their own:
 * the rules go by paths, and nothing that watches or builds the checkout sees the bad ones.
 * @returns path -> the rules it breaks, sorted
 */
export async function lint(sources: Record<string, string>): Promise<Map<string, string[]>> {
  const directory = await mkdtemp(join(tmpdir(), 'mlforge-lint-'))
  try {
    for (const name of ['.oxlintrc.json', 'tsconfig.json', 'package.json']) {
      await copyFile(join(CHECKOUT, name), join(directory, name))
    }
    await symlink(join(CHECKOUT, 'node_modules'), join(directory, 'node_modules'))
    for (const [path, text] of Object.entries(sources)) {
      await mkdir(dirname(join(directory, path)), { recursive: true })
      await writeFile(join(directory, path), text)
    }
    const { diagnostics } = await oxlint(directory)
    return new Map(
      Object.keys(sources).map(path => [
        path,
        [...new Set(diagnostics.filter(found => found.filename === path).map(found => found.code))].sort(),
      ]),
    )
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

async function oxlint(directory: string): Promise<Report> {
  const args = [
    join(CHECKOUT, 'node_modules/oxlint/bin/oxlint'),
    '--type-aware',
    '--disable-nested-config',
    '--format=json',
    '.',
  ]
  const options = { cwd: directory, maxBuffer: 64 * 1024 * 1024 }
  const { stdout, stderr } = await promisify(execFile)(process.execPath, args, options).catch(
    // Findings end it with 1; anything but a report is refused below.
    (error: { stdout: string; stderr: string }) => error,
  )
  try {
    return JSON.parse(stdout) as Report
  } catch {
    throw new Error(`oxlint printed no report: ${stdout.slice(0, 2000)}${stderr.slice(0, 2000)}`)
  }
}
