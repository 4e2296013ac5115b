import { readFile } from 'node:fs/promises'
import { readSettings } from '../../config/load.js'
import { badVersion } from './chapters/bad-version.js'
import { data } from './chapters/data.js'
import { failure } from './chapters/failure.js'
import { incident } from './chapters/incident.js'
import { schedule } from './chapters/schedule.js'
import { serving } from './chapters/serving.js'
import { evaluation, training } from './chapters/training.js'
import { watch } from './chapters/watch.js'
import { TRAINING } from './bike.js'
import { Refused, Rest } from '../../sdk/rest.js'
import { chapter, closeSession, openSession, readEndpoints, say, type Story, table } from './story.js'

// The main job of MLForge on real data, by its public REST API alone. The stack must be up.
const { stateDirectory } = readSettings({ embedded: true })
const endpoints = await readEndpoints(stateDirectory)
const key = (await readFile(endpoints.keyFile, 'utf8')).trim()
const { id: session, code, continued } = await openSession(stateDirectory)
const story: Story = {
  rest: new Rest(endpoints.api, key),
  serving: new Rest(endpoints.serving, key),
  session,
  code,
  endpoints: () => readEndpoints(stateDirectory),
  summary: [],
  kills: [],
}

say(`MLForge at ${endpoints.api}; ${continued ? 'going on where it was stopped' : 'a new telling'}`)
const started = Date.now()
if (!continued) await withdrawChampion(story)
await data(story)
const { version, run } = await training(story)
const refused = await evaluation(story, version, run)
await schedule(story)
await failure(story)
const replay = await serving(story, version, run)
await badVersion(story, replay, refused)
const opened = await watch(story, replay)
await incident(story, replay, opened, version.version)
await closeSession(stateDirectory)

chapter(`Done in ${Math.round((Date.now() - started) / 1000)} s`)
const query = encodeURIComponent(
  'MlforgeKind in ("dataset", "training", "rollout", "drift", "incident", "pipeline")',
)
table([
  ...story.summary,
  ['killed on the way', story.kills.join(', ')],
  ['runs', `${endpoints.temporalUi}/namespaces/${endpoints.namespace}/workflows?query=${query}`],
  ['API docs', `${endpoints.api}/docs`],
  ['use it', `export MLFORGE_API_URL=${endpoints.api} MLFORGE_API_KEY="$(cat ${endpoints.keyFile})"`],
])

/** The champion of an earlier telling has learnt from what this one holds out. */
async function withdrawChampion({ rest }: Story): Promise<void> {
  try {
    await rest.delete(`/v1/models/${TRAINING.model}/aliases/champion?reason=a%20new%20telling%20begins`)
  } catch (error) {
    if (!(error instanceof Refused) || error.problem.code !== 'not_found') throw error
  }
}
