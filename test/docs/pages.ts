import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Root of the checkout, seen from dist/test/docs. */
export const ROOT = fileURLToPath(new URL('../../../', import.meta.url))
export const CONFIGURATION = join(ROOT, 'docs/configuration.md')

export interface Page {
  /** Path from the root of the checkout. */
  readonly path: string
  readonly text: string
}

/** README.md, CONTRIBUTING.md, the examples' READMEs and all of docs/. */
export function pages(): Page[] {
  const below = (directory: string) =>
    readdirSync(join(ROOT, directory), { recursive: true, encoding: 'utf8' })
      .filter(file => file.endsWith('.md'))
      .map(file => join(directory, file))
  return ['README.md', 'CONTRIBUTING.md', ...below('docs'), ...below('examples')].map(page)
}

export function page(path: string): Page {
  return { path: relative(ROOT, join(ROOT, path)), text: readFileSync(join(ROOT, path), 'utf8') }
}

export interface Block {
  readonly language: string
  readonly text: string
}

/** Fenced code blocks, in order. */
export function blocks(text: string): Block[] {
  return [...text.matchAll(/^```(\w*)\n(.*?)^```$/gms)].map(([, language = '', body = '']) => ({
    language,
    text: body,
  }))
}
