import { parentPort, type Transferable } from 'node:worker_threads'
import { MAX_PACK_BYTES } from '../domain/data/pack.js'
import { MlforgeError } from '../domain/errors.js'
import { cutPart, scanFiles } from './cut-file.js'
import { makePack } from './make-pack.js'
import type { JobName, JobReply, JobRequest, Jobs } from './messages.js'
import { withFile } from './open-file.js'
import { verifyPack } from './read-chunk.js'

// A thread that cuts, hashes and packs, so that gigabytes hold up no event loop.

function replyTo(job: JobRequest): Jobs[JobName]['reply'] {
  switch (job.name) {
    case 'scan':
      return scanFiles(job.request)
    case 'range':
      return cutPart(job.request)
    case 'pack':
      return makePack(job.request.pieces, job.request.room)
    case 'verify':
      return verifyPack('file' in job.request ? wholePack(job.request.file) : job.request.content)
  }
}

function wholePack(file: string): Uint8Array {
  return withFile(file, ({ stat, read }) => {
    if (stat.size > MAX_PACK_BYTES) {
      throw new MlforgeError('object_corrupt', `"${file}" is no pack: it is larger than any.`, { file })
    }
    const content = new Uint8Array(stat.size)
    read(content, 0)
    return content
  })
}

const port = parentPort!
port.on('message', (job: JobRequest) => {
  try {
    const reply = replyTo(job)
    const handed: Transferable[] = 'content' in reply ? [reply.content.buffer as ArrayBuffer] : []
    port.postMessage({ reply } satisfies JobReply, handed)
  } catch (error) {
    const known = error instanceof MlforgeError ? error : null
    const message = error instanceof Error ? error.message : String(error)
    port.postMessage({
      error: { code: known?.code ?? 'internal', message, details: known?.details ?? {} },
    } satisfies JobReply)
  }
})
