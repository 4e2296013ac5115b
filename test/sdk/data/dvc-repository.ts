import { hash } from 'node:crypto'
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { madeBytes } from '../../domain/data/made-bytes.js'
import { dvc, dvcScript, git } from '../../support/dvc.js'
import { put, type Tree, treeOf } from './tree.js'

const PIPELINE = `stages:
  make:
    cmd: mkdir -p made && cat ../single.bin > made/copy && echo 1 > m.json
    wdir: work
    outs: [./made/]
    metrics: [m.json: {cache: false}]
  each:
    foreach: [a, b]
    do:
      cmd: echo \${item} > each-\${item}.txt
      outs: ["each-\${item}.txt"]
`

/** What is tracked in it. */
const TRACKED = ['data', 'deep/inner/file.txt', 'each-a.txt', 'each-b.txt', 'single.bin', 'work/made']

/** A repository by the real dvc, all of it in its cache and in a remote beside it. */
export async function makeRepository(root: string): Promise<void> {
  mkdirSync(join(root, 'work'), { recursive: true })
  await git(root, 'init', '-q')
  await dvc(root, 'init', '-q')
  await dvc(root, 'remote', 'add', '-q', '-d', 'shared', `${root}-remote`)
  put(root, 'data/a.csv', 'day,count\r\n1,2\r\n')
  put(root, 'data/nested/deep/ü 日本 😀.txt', 'unicode\n')
  put(root, 'data/nested/empty', '')
  put(root, 'data/large.bin', madeBytes(3_000_000, 1))
  put(root, 'single.bin', madeBytes(70_000, 2), true)
  put(root, 'deep/inner/file.txt', 'deep\n')
  put(root, 'dvc.yaml', PIPELINE)
  await dvc(root, 'add', '-q', 'data', 'single.bin', 'deep/inner/file.txt')
  await dvc(root, 'repro', '-q')
  await dvc(root, 'push', '-q')
  await git(root, 'add', '-A')
  await git(root, 'commit', '-qm', 'data')
}

const BEFORE_3 = String.raw`
import hashlib, json, os, shutil, sys
from dvc_data.hashfile.hash import file_md5
from dvc_objects.fs import localfs
root, *metafiles = sys.argv[1:]
cache = os.path.join(root, '.dvc', 'cache')
objects = os.path.join(cache, 'files', 'md5')
def place(name):
    os.makedirs(os.path.join(cache, name[:2]), exist_ok=True)
    return os.path.join(cache, name[:2], name[2:])
names = [a + b for a in os.listdir(objects) for b in os.listdir(os.path.join(objects, a))]
old = {}
for name in sorted(names, key=lambda name: name.endswith('.dir')):
    file = os.path.join(objects, name[:2], name[2:])
    if not name.endswith('.dir'):
        old[name] = file_md5(file, localfs, name='md5-dos2unix')
        shutil.copy(file, place(old[name]))
        continue
    text = json.dumps([{**each, 'md5': old[each['md5']]} for each in json.load(open(file))])
    old[name] = hashlib.md5(text.encode()).hexdigest() + '.dir'
    open(place(old[name]), 'w').write(text)
for metafile in metafiles:
    text = open(metafile).read().replace('\n  hash: md5', '').replace('\n      hash: md5', '')
    for name in sorted(old, key=len, reverse=True):
        text = text.replace(name, old[name])
    open(metafile, 'w').write(text)
shutil.rmtree(os.path.join(cache, 'files'))
print(json.dumps([name for name in old if old[name] != name]))
`

/**
 * Makes a repository one of DVC before 3: other hashes of text with CR LF, no `hash`, objects not in `files/md5`.
 * @returns objects that have another name by now
 */
export function asBefore3(root: string): Promise<string[]> {
  const metafiles = ['data.dvc', 'single.bin.dvc', 'deep/inner/file.txt.dvc', 'dvc.lock']
  return dvcScript<string[]>(BEFORE_3, root, ...metafiles.map(file => join(root, file)))
}

export function rewrite(file: string, change: (text: string) => string): void {
  const text = change(readFileSync(file, 'utf8'))
  rmSync(file)
  writeFileSync(file, text)
}

/** The files of a tree that are, or are in, these paths. */
export function within(tree: Tree, paths: readonly string[]): Tree {
  return Object.fromEntries(
    Object.entries(tree).filter(([path]) => paths.some(each => path === each || path.startsWith(`${each}/`))),
  )
}

/** All files by path, each as its SHA-256, and whether it may be executed. */
export function hashesOf(root: string): Tree {
  return Object.fromEntries(
    Object.entries(treeOf(root)).map(([path, content]) => {
      const [bytes, flag] = content.endsWith('*') ? [content.slice(0, -1), '*'] : [content, '']
      return [path, hash('sha256', Buffer.from(bytes, 'hex'), 'hex') + flag]
    }),
  )
}

/** All that a repository tracks, as it is checked out. */
export function tracked(root: string): Tree {
  return within(hashesOf(root), TRACKED)
}

export function copyOf(root: string, to: string): string {
  cpSync(root, to, { recursive: true, verbatimSymlinks: true })
  return to
}
