import { readFile } from 'node:fs/promises'
import { readSettings } from '../../config/load.js'
import { data } from './chapters/data.js'
import { failure } from './chapters/failure.js'
import { schedule } from './chapters/schedule.js'
import { evaluation, training } from './chapters/training.js'
import { Rest } from './rest.js'
import { chapter, closeSession, openSession, readEndpoints, say, type Story, table } from './story.js'

// The main job of MLForge on real data, by its public REST API alone. The stack must be up.
const { stateDirectory } = readSettings({ embedded: true })
const endpoints = await readEndpoints(stateDirectory)
const key = (await readFile(endpoints.keyFile, 'utf8')).trim()
const { id: session, continued } = await openSession(stateDirectory)
const story: Story = {
  rest: new Rest(endpoints.api, key),
  session,
  endpoints: () => readEndpoints(stateDirectory),
  summary: [],
}

say(`MLForge at ${endpoints.api}; ${continued ? 'going on where it was stopped' : 'a new telling'}`)
const started = Date.now()
await data(story)
const version = await training(story)
await evaluation(story, version)
await schedule(story)
await failure(story)
await closeSession(stateDirectory)

chapter(`Done in ${Math.round((Date.now() - started) / 1000)} s`)
const query = encodeURIComponent('MlforgeKind in ("dataset", "training")')
table([
  ...story.summary,
  ['runs', `${endpoints.temporalUi}/namespaces/${endpoints.namespace}/workflows?query=${query}`],
  ['API docs', `${endpoints.api}/docs`],
  ['use it', `export MLFORGE_API_URL=${endpoints.api} MLFORGE_API_KEY="$(cat ${endpoints.keyFile})"`],
])
