import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from '@jest/globals'
import { lint } from './probes.js'

const EVERYTHING = [
  '@nestjs/common',
  '@temporalio/client',
  '@temporalio/worker',
  '@temporalio/workflow',
  'node:fs',
]

// The import directions once more, written down apart from the configuration that enforces them.
const ROOMS: Record<string, { rooms: string; packages: string[] }> = {
  domain: { rooms: '', packages: [] },
  'contracts/rest': { rooms: '', packages: [] },
  'contracts/temporal': { rooms: 'domain', packages: ['@temporalio/workflow', '@temporalio/common'] },
  config: { rooms: 'domain', packages: ['node:fs', 'zod'] },
  stores: {
    rooms: 'domain contracts/rest contracts/temporal config packing',
    packages: ['node:fs', 'typeorm'],
  },
  inference: { rooms: 'domain contracts/rest contracts/temporal', packages: ['onnxruntime-node'] },
  trainers: { rooms: 'domain contracts/rest contracts/temporal inference', packages: ['koffi', 'node:fs'] },
  packing: { rooms: 'domain', packages: ['node:fs', 'node:worker_threads'] },
  activities: {
    rooms: 'domain contracts/rest contracts/temporal stores inference trainers packing',
    packages: ['@temporalio/activity', 'node:fs'],
  },
  workflows: { rooms: 'domain contracts/rest contracts/temporal', packages: ['@temporalio/workflow'] },
  worker: {
    rooms:
      'domain contracts/rest contracts/temporal config stores inference trainers packing activities workflows',
    packages: EVERYTHING,
  },
  api: {
    rooms: 'domain contracts/rest contracts/temporal config stores',
    packages: ['@nestjs/common', '@temporalio/client', 'node:fs'],
  },
  serving: {
    rooms: 'domain contracts/rest contracts/temporal config stores inference',
    packages: ['@nestjs/common', 'node:fs'],
  },
  // And of domain what the format of datasets needs: below.
  sdk: { rooms: 'contracts/rest packing', packages: ['node:fs', 'ignore'] },
  cli: { rooms: 'domain sdk config infra/launcher', packages: EVERYTHING },
  'infra/launcher': {
    rooms: 'domain config contracts/rest contracts/temporal stores packing',
    packages: EVERYTHING,
  },
  dashboard: { rooms: 'sdk', packages: [] },
  test: { rooms: '*', packages: EVERYTHING },
  bench: { rooms: '*', packages: EVERYTHING },
  examples: { rooms: '*', packages: EVERYTHING },
}
const NAMES = Object.keys(ROOMS)
// Each of these is closed to at least one room that has packages of its own.
const GUARDED: Record<string, string[]> = {
  domain: ['node:fs', 'zod', '@temporalio/common'],
  'contracts/rest': ['node:fs', 'class-validator'],
  'contracts/temporal': ['node:fs', 'zod', '@temporalio/client', '@temporalio/worker', '@nestjs/common'],
  config: ['@temporalio/client'],
  stores: ['@temporalio/client'],
  inference: ['@temporalio/activity'],
  trainers: ['@temporalio/activity'],
  packing: ['zod', 'ioredis', 'nunjucks', '@temporalio/activity'],
  activities: ['@temporalio/client', '@temporalio/worker', '@temporalio/workflow'],
  workflows: [
    'node:fs',
    'typeorm',
    '@temporalio/client',
    '@temporalio/activity',
    '@temporalio/worker',
    '@swc/core',
  ],
  api: ['@temporalio/worker', '@temporalio/activity', '@temporalio/workflow'],
  serving: ['@temporalio/client'],
  sdk: ['@temporalio/client', 'typeorm', '@nestjs/common'],
}

const SDK_SEES = ['domain/data/nodes.js', 'domain/duckdb/words.js', 'domain/errors.js']
const SDK_DOES_NOT_SEE = [
  'domain/canonical-json.js',
  'domain/errors/x.js',
  'domain/drift/x.js',
  'domain/pipelines/data/x.js',
]

const up = (room: string) => '../'.repeat(room.split('/').length + 1)
const source = (from: string, kind = '') => `import ${kind}{ x } from '${from}'\nexport ${kind}{ x }\n`
const file = (room: string, target: string) => `${room}/probe/${target.replaceAll(/[^a-z]+/g, '-')}.ts`
const mayImport = (room: string, target: string) =>
  room === target || ROOMS[room]!.rooms === '*' || ROOMS[room]!.rooms.split(' ').includes(target)

describe('import directions', () => {
  let found: Map<string, string[]>
  beforeAll(async () => {
    const sources: Record<string, string> = {}
    for (const room of NAMES) {
      for (const target of NAMES) {
        sources[file(room, target)] = source(
          room === target ? '../beside.js' : `${up(room)}${target}/deep/x.js`,
        )
      }
      for (const name of [...ROOMS[room]!.packages, ...(GUARDED[room] ?? [])]) {
        sources[file(room, `package ${name}`)] = source(name)
      }
      sources[`${room}/probe/dynamic.ts`] = `export const x = () => import('${up(room)}test/support/x.js')\n`
    }
    sources['workflows/probe/types.ts'] = source('../../activities/training.js', 'type ')
    sources['workflows/probe/other-types.ts'] = source('../../stores/ids.js', 'type ')
    sources['domain/probe/roundabout.ts'] = source('./../../stores/ids.js')
    sources['contracts/rest/probe/neighbour.ts'] = source('../../temporal/messages.js')
    sources['contracts/temporal/probe/neighbour.ts'] = source('../../rest/common.js')
    for (const part of SDK_SEES) sources[file('sdk', part)] = source(`${up('sdk')}${part}`)
    for (const part of SDK_DOES_NOT_SEE) sources[file('sdk', part)] = source(`${up('sdk')}${part}`)
    found = await lint(sources)
  })

  for (const room of NAMES) {
    it(`${room} imports only the rooms below it`, () => {
      const open = NAMES.filter(target => found.get(file(room, target))!.length === 0)
      expect(open).toEqual(NAMES.filter(target => mayImport(room, target)))
      const refused = NAMES.filter(target => !mayImport(room, target))
      for (const target of refused) {
        expect(found.get(file(room, target))).toEqual(['eslint(no-restricted-imports)'])
      }
    })

    it(`${room} uses only the packages it may`, () => {
      const broken = (name: string) => found.get(file(room, `package ${name}`))
      for (const name of ROOMS[room]!.packages) expect([name, broken(name)]).toEqual([name, []])
      for (const name of GUARDED[room] ?? []) {
        expect([name, broken(name)]).toEqual([name, ['eslint(no-restricted-imports)']])
      }
    })
  }

  it('hold for import() too', () => {
    const refused = NAMES.filter(room => found.get(`${room}/probe/dynamic.ts`)!.length > 0)
    expect(refused).toEqual(NAMES.filter(room => ROOMS[room]!.rooms !== '*'))
  })

  it('let workflows see the types of activities, and no others', () => {
    expect(found.get('workflows/probe/types.ts')).toEqual([])
    expect(found.get('workflows/probe/other-types.ts')).toEqual(['eslint(no-restricted-imports)'])
  })

  it('let the SDK see the format of datasets and the errors of domain, and no more', () => {
    const seen = [...SDK_SEES, ...SDK_DOES_NOT_SEE].filter(part => found.get(file('sdk', part))!.length === 0)
    expect(seen).toEqual(SDK_SEES)
  })

  it('are not evaded by a roundabout or a short path', () => {
    const paths = ['domain/probe/roundabout.ts', 'contracts/rest/probe/neighbour.ts']
    for (const path of [...paths, 'contracts/temporal/probe/neighbour.ts']) {
      expect([path, found.get(path)]).toEqual([path, ['eslint(no-restricted-imports)']])
    }
  })

  it('know every folder that holds code', () => {
    const checkout = join(import.meta.dirname, '../../..')
    const others = ['dist', 'docs', 'node_modules', 'scripts']
    const folders = readdirSync(checkout, { withFileTypes: true })
      .filter(entry => entry.isDirectory() && !entry.name.startsWith('.') && !others.includes(entry.name))
      .map(entry => entry.name)
    expect(folders.filter(name => !NAMES.some(room => room.split('/')[0] === name))).toEqual([])
  })
})
