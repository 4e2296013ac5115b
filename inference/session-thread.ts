import { parentPort, workerData } from 'node:worker_threads'
import { OnnxSession } from './onnx-session.js'
import type { BatchReply, BatchRequest, SessionSpec, ThreadReady } from './session-messages.js'

// A thread that holds a fixed set of sessions, all warm before it says that it is ready.

const sessions = new Map<string, OnnxSession>()

async function open({ key, file, columns }: SessionSpec): Promise<string | undefined> {
  try {
    const session = await OnnxSession.load(file)
    // The first run allocates; and a model that takes other columns is found here, not by a caller.
    await session.predict(new Float32Array(columns), 1)
    sessions.set(key, session)
    return undefined
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

async function run({ key, values, rows }: BatchRequest): Promise<BatchReply> {
  try {
    const session = sessions.get(key)
    if (!session) throw new Error(`session ${key} is not in this thread`)
    // A copy: the runtime's own memory cannot be handed over.
    return { outputs: Float32Array.from(await session.predict(values, rows)) }
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) }
  }
}

const failed: ThreadReady['failed'] = []
for (const spec of workerData as readonly SessionSpec[]) {
  const problem = await open(spec)
  if (problem !== undefined) failed.push([spec.key, problem])
}
const port = parentPort!
port.on('message', (request: BatchRequest) => {
  void run(request).then(reply => {
    port.postMessage(reply, 'outputs' in reply ? [reply.outputs.buffer] : [])
  })
})
port.postMessage({ failed } satisfies ThreadReady)
