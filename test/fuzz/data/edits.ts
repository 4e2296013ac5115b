import type { ModelFile, Tree } from './tree.js'
import { Random } from './random.js'

type Files = Map<string, ModelFile>
type Edit = (files: Files, random: Random) => void

const LARGE = 1_000_000

/** Changes that a clone makes, always the same for the same files and seed. Something is other than before. */
export function edited(tree: Tree, seed: number): Tree {
  const random = new Random(seed)
  const files = new Map(tree)
  for (let left = random.between(2, 5); left > 0; left--) random.pick(EDITS)(files, random)
  // Its bytes are found nowhere else.
  files.set('note.txt', { content: Buffer.from(`note ${seed}\n`), isExecutable: false })
  return files
}

/** Changes beside a commit that is not pushed yet: what it has recorded stays in the directory, to be sent. */
export function added(tree: Tree, seed: number): Tree {
  const random = new Random(seed)
  const files = new Map(tree)
  if (random.oneIn(2)) rename(files, random)
  if (random.oneIn(2)) setMode(files, random)
  for (let left = random.between(1, 40); left > 0; left--) {
    files.set(`more/${seed}/${left}`, plain(random.bytes(random.between(1, 50_000))))
  }
  return files
}

/** Rows of the same columns, always the same for the same seed. */
export function csvOf(seed: number): Buffer {
  const random = new Random(seed)
  const rows = Array.from(
    { length: random.between(20, 200) },
    (_, id) => `${id},${random.below(1_000)}.5,word${random.below(9)}`,
  )
  return Buffer.from(`id,value,word\n${rows.join('\n')}\n`)
}

const plain = (content: Buffer): ModelFile => ({ content, isExecutable: false })

function addLarge(files: Files, random: Random): void {
  files.set(`large-${random.below(3)}.bin`, plain(random.bytes(random.between(LARGE, 3 * LARGE))))
}

function many(files: Files, random: Random): void {
  const [directory, count] = [random.below(3), random.between(20, 60)]
  for (let i = 0; i < count; i++)
    files.set(`many/${directory}/${i}.txt`, plain(random.bytes(random.between(1, 4_096))))
}

function insert(files: Files, random: Random): void {
  const large = pathOf(files, random, ({ content }) => content.length >= LARGE)
  if (large === undefined) return addLarge(files, random)
  const { content, isExecutable } = files.get(large)!
  const at = random.below(content.length)
  const inserted = Buffer.concat([
    content.subarray(0, at),
    random.bytes(random.between(1, 9_000)),
    content.subarray(at),
  ])
  files.set(large, { content: inserted, isExecutable })
}

function change(files: Files, random: Random): void {
  const path = pathOf(files, random, ({ content }) => content.length > 0)
  if (path === undefined) return
  const { content, isExecutable } = files.get(path)!
  const changed = Buffer.from(content)
  changed[random.below(changed.length)]! ^= random.between(1, 255)
  files.set(path, { content: changed, isExecutable })
}

function rename(files: Files, random: Random): void {
  const path = pathOf(files, random)
  if (path === undefined) return
  const file = files.get(path)!
  files.delete(path)
  files.set(`moved/${random.below(1_000)}/${path.split('/').at(-1)!}`, file)
}

function remove(files: Files, random: Random): void {
  const path = pathOf(files, random)
  if (path !== undefined) files.delete(path)
}

function setMode(files: Files, random: Random): void {
  const path = pathOf(files, random)
  if (path === undefined) return
  const { content, isExecutable } = files.get(path)!
  files.set(path, { content, isExecutable: !isExecutable })
}

const EDITS: readonly Edit[] = [
  addLarge,
  (files, random) =>
    files.set(
      `d${random.below(4)}/f${random.below(1_000)}.bin`,
      plain(random.bytes(random.between(1, 200_000))),
    ),
  (files, random) => files.set(`empty/${random.below(20)}`, plain(Buffer.alloc(0))),
  (files, random) =>
    files.set(
      `${random.pick(NAMES)}/${random.below(50)} ${random.pick(NAMES)}.txt`,
      plain(random.bytes(random.below(5_000))),
    ),
  many,
  insert,
  change,
  rename,
  remove,
  setMode,
]

/** Composed characters, as collisions are judged by them; and ones outside of the basic plane. */
const NAMES = ['ünïcode', '日本語', 'ñandú', '🚲 bikes', 'données d’été', 'Ωμέγα']

function pathOf(
  files: Files,
  random: Random,
  isWanted: (file: ModelFile) => boolean = () => true,
): string | undefined {
  const paths = [...files].flatMap(([path, file]) => (isWanted(file) ? [path] : []))
  return paths.length === 0 ? undefined : random.pick(paths)
}
