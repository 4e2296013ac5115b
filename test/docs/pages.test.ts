import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from '@jest/globals'
import { blocks, page, pages, ROOT, type Page } from './pages.js'

const CLI = fileURLToPath(new URL('../../cli/main.js', import.meta.url))
const all = pages()

/** Code of a page: fenced shell blocks and inline spans. */
function code({ text }: Page): string[] {
  const inline = [...text.replace(/^```.*?^```$/gms, '').matchAll(/`([^`\n]+)`/g)].map(([, span]) => span!)
  const shell = blocks(text).filter(({ language }) => language === 'sh')
  return [...shell.flatMap(block => block.text.split('\n')), ...inline]
}

const mentions = (pattern: RegExp): { at: string; command: string }[] =>
  all.flatMap(page =>
    code(page).flatMap(line =>
      [...line.matchAll(pattern)].map(([, command]) => ({ at: page.path, command: command!.trim() })),
    ),
  )

describe('pages', () => {
  it('have links that lead somewhere', () => {
    const broken = all.flatMap(({ path, text }) =>
      [...text.replace(/^```.*?^```$/gms, '').matchAll(/\]\(([^)#\s]+)(#[^)]*)?\)/g)]
        .map(([, target]) => target!)
        .filter(target => !/^[a-z]+:/.test(target))
        .filter(target => !existsSync(join(ROOT, dirname(path), target)))
        .map(target => `${path}: ${target}`),
    )
    expect(broken).toEqual([])
  })

  it('name targets that the Makefile has', () => {
    const targets = [...readFileSync(join(ROOT, 'Makefile'), 'utf8').matchAll(/^([a-z]+):/gm)].map(
      ([, name]) => name,
    )
    const named = mentions(/\bmake ([a-z][^#"|]*)/g).flatMap(({ at, command }) =>
      command
        .split(/\s+/)
        .filter(word => /^[a-z]+$/.test(word))
        .map(target => ({ at, target })),
    )
    expect(named.length).toBeGreaterThan(5)
    expect(named.filter(({ target }) => !targets.includes(target))).toEqual([])
  })

  it('name npm scripts that package.json has', () => {
    const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
      scripts: Record<string, string>
    }
    const named = mentions(/\bnpm run (?:--silent )?([a-z:]+)/g)
    expect(named.length).toBeGreaterThan(0)
    expect(named.filter(({ command }) => !(command in scripts))).toEqual([])
  })

  it('name commands and options that mlforge has', () => {
    const named = mentions(/(?<![\w/.@-])mlforge ([a-z][^|`#;]*)/g)
    expect(named.length).toBeGreaterThan(5)
    expect(named.flatMap(({ at, command }) => wrong(command).map(what => `${at}: ${what}`))).toEqual([])
  })

  it('name programs of dist/ that have a source', () => {
    const named = mentions(/\bdist\/([\w/-]+)\.js/g)
    expect(named.length).toBeGreaterThan(0)
    expect(named.filter(({ command }) => !existsSync(join(ROOT, `${command}.ts`)))).toEqual([])
  })

  it('name environment variables that exist', () => {
    const known = page('docs/configuration.md').text
    const ofScripts = readFileSync(join(ROOT, 'activities/pipelines/steps/script.ts'), 'utf8')
    const variables = all.flatMap(({ path, text }) =>
      [...text.matchAll(/\bMLFORGE_[A-Z_]+\b/g)].map(([name]) => ({ path, name })),
    )
    expect(
      variables.filter(({ name }) => !known.includes(`\`${name}\``) && !ofScripts.includes(`${name}:`)),
    ).toEqual([])
  })

  it('name routes that the API or serving has', () => {
    const documents = ['docs/openapi.json', 'docs/openapi-serving.json'].map(
      path =>
        JSON.parse(readFileSync(join(ROOT, path), 'utf8')) as {
          paths: Record<string, Record<string, unknown>>
        },
    )
    const routes = documents.flatMap(({ paths }) => Object.entries(paths))
    const known = routes.flatMap(([path, methods]) =>
      Object.keys(methods).map(method => [method.toUpperCase(), path.split('/')] as const),
    )
    const named = mentions(/\b((?:GET|POST|PUT|PATCH|DELETE) ["']?\/[^\s"'?]+)/g)
    expect(named.length).toBeGreaterThan(20)
    const unknown = named.filter(({ command }) => {
      const [method, path = ''] = command.replace(/["']/, '').split(' ')
      const parts = path.split('/')
      return !known.some(
        ([verb, pattern]) =>
          verb === method &&
          pattern.length === parts.length &&
          pattern.every((part, i) => part === parts[i] || part.startsWith('{')),
      )
    })
    expect(unknown).toEqual([])
  })
})

const helps = new Map<string, string>()

function help(...command: string[]): string {
  const name = command.join(' ')
  const known = helps.get(name)
  if (known !== undefined) return known
  const text = execFileSync(process.execPath, [CLI, ...command, '--help'], { encoding: 'utf8' })
  helps.set(name, text)
  return text
}

const has = (text: string, section: string, name: string): boolean =>
  new RegExp(`^${section}:$(?:\\n.*)*?\\n {2}${name}\\b`, 'm').test(text)

/** What of a command line the program's own help does not know. */
function wrong(line: string): string[] {
  const words = line.split(/\s+/)
  const command: string[] = []
  // Commands may have commands of their own.
  while (has(help(...command), 'Commands', 'help') || command.length === 0) {
    const word = words.shift()
    if (word === undefined) break
    if (!has(help(...command), 'Commands', word)) return [`no command ${[...command, word].join(' ')}`]
    command.push(word)
  }
  const options = help(...command)
  return words
    .filter(word => word.startsWith('--') && !has(options, 'Options', word))
    .map(word => `${command.join(' ')}: no option ${word}`)
}
