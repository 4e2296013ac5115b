import type { ClientProcess } from './client-process.js'
import type { Turn } from './case.js'
import { readTree, writeTree } from './directory.js'
import { added, edited } from './edits.js'
import type { Model, ModelCommit } from './model.js'
import type { Answer, Command } from './protocol.js'
import { type Tree, treeDifferences } from './tree.js'

/** Times commits are made again before they go to a branch of their own. */
const AGAIN = 2
const EMPTY: Tree = new Map()

/** A working directory, with what must be in it. */
export class Clone {
  private tree = EMPTY
  /** Message of what is checked out or was committed last. */
  private at: string | null = null
  private branch = 'main'
  /** Commits that are not pushed, the first one first. */
  private open: ModelCommit[] = []

  constructor(
    readonly name: string,
    readonly root: string,
    readonly client: ClientProcess,
    private readonly model: Model,
  ) {}

  /** Changes files, commits and pushes. @returns what was not as it must be */
  async play(turn: Turn, round: number): Promise<string[]> {
    const problems = turn.fromMain ? await this.pull('main') : []
    await this.commitAll(turn.commits, `${this.name} round ${round}`)
    for (let again = 0; ;) {
      const { error, branch } = await this.ask({ verb: 'push', branch: null })
      if (error === null) return problems
      if (error.code !== 'branch_moved') throw new Error(`${this.name}: push: ${error.message}`)
      if (turn.whenMoved === 'switch' || branch !== 'main' || again === AGAIN) break
      again++
      // Those that were pushed before somebody else came stay.
      const left = turn.commits.slice(turn.commits.length - this.open.length)
      for (const commit of this.open.splice(0)) commit.fate = { kind: 'left' }
      problems.push(...(await this.pull('main')))
      await this.commitAll(left, `${this.name} round ${round} again ${again}`)
    }
    // New each time, so that nobody else is there.
    const { error } = await this.ask({ verb: 'push', branch: `${this.name}-${round}` })
    if (error !== null) throw new Error(`${this.name}: push to a new branch: ${error.message}`)
    return problems
  }

  /** Reads a version, and compares it. */
  async pull(selector: string): Promise<string[]> {
    const { error, pulled } = await this.ask({ verb: 'pull', selector })
    if (error !== null) throw new Error(`${this.name}: pull of ${selector}: ${error.message}`)
    if (pulled === null) return []
    this.at = pulled
    this.tree = this.model.get(pulled).tree
    return treeDifferences(`${this.name} with version "${pulled}"`, readTree(this.root), this.tree)
  }

  private async commitAll(seeds: readonly number[], name: string): Promise<void> {
    for (const [place, seed] of seeds.entries()) {
      const tree = place === 0 ? edited(this.tree, seed) : added(this.tree, seed)
      writeTree(this.root, this.tree, tree)
      this.tree = tree
      const message = `${name} commit ${place}`
      // Known before it can be seen by others.
      const commit = this.model.add(message, tree, this.at)
      const at = new Date(1_700_000_000_000 + (seed % 1_000_000)).toISOString()
      const { error } = await this.ask({ verb: 'commit', message, author: this.name, at })
      if (error !== null) throw new Error(`${this.name}: commit: ${error.message}`)
      this.at = message
      this.open.push(commit)
    }
  }

  private async ask(command: Command): Promise<Answer> {
    const answer = await this.client.ask(command)
    this.branch = answer.branch
    const left = new Set(answer.drafts)
    if (command.verb === 'push') {
      for (const commit of this.open) {
        if (!left.has(commit.message)) commit.fate = { kind: 'version', branch: this.branch }
      }
      this.open = this.open.filter(({ message }) => left.has(message))
    }
    return answer
  }
}
