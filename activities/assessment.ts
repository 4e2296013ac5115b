import { once } from 'node:events'
import { type Transferable, Worker } from 'node:worker_threads'
import { MlforgeError } from '../domain/errors.js'
import type { AssessmentReply, Assessments } from './assessment-messages.js'

/**
 * Asks the thread for one thing; the next one waits for the answer. Columns are handed over: the caller's
 * arrays are empty afterwards.
 */
export type Assess = <Name extends keyof Assessments>(
  name: Name,
  args: Assessments[Name]['arguments'],
) => Promise<Assessments[Name]['result']>

/** A thread that compares columns and judges errors, for as long as `work` takes; an abort ends both. */
export async function withAssessment<T>(
  signal: AbortSignal,
  work: (assess: Assess) => Promise<T>,
): Promise<T> {
  const thread = new Worker(new URL('./assessment-thread.js', import.meta.url))
  const ended = new AbortController()
  thread.on('error', () => undefined) // 'exit' follows
  thread.once('exit', () =>
    ended.abort(new MlforgeError('unavailable', 'The thread of the check has ended.')),
  )
  const either = AbortSignal.any([signal, ended.signal])
  const ask = async (name: keyof Assessments, args: readonly unknown[]): Promise<unknown> => {
    either.throwIfAborted()
    const answered = once(thread, 'message', { signal: either })
    thread.postMessage({ name, arguments: args }, buffersOf(args))
    const [reply] = (await answered.catch((error: unknown) => {
      either.throwIfAborted()
      throw error
    })) as [AssessmentReply]
    if ('error' in reply) throw new MlforgeError(reply.error.code, reply.error.message)
    return reply.result
  }
  let last: Promise<unknown> = Promise.resolve()
  const assess = (name: keyof Assessments, args: readonly unknown[]): Promise<unknown> => {
    const answer = last.then(() => ask(name, args))
    // Work that has failed elsewhere does not listen any more to what becomes of its questions.
    last = answer.catch(() => undefined)
    return answer
  }
  try {
    return await work(assess as Assess)
  } finally {
    await thread.terminate()
  }
}

/** Of the columns among the arguments, which so are not copied. */
function buffersOf(args: readonly unknown[]): Transferable[] {
  const nested = args.flatMap(arg => (isPlain(arg) ? Object.values(arg) : [arg]))
  return nested.flatMap(value =>
    ArrayBuffer.isView(value) && value.buffer instanceof ArrayBuffer ? [value.buffer] : [],
  )
}

function isPlain(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !ArrayBuffer.isView(value)
}
