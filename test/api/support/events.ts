import { expect } from '@jest/globals'
import type { TestApi } from './api.js'

export interface ServerEvent {
  readonly id?: string
  readonly event?: string
  readonly data?: unknown
}

/** Reads server-sent events as a viewer, until the last that is asked for has come, or the stream has ended. */
export async function eventsOf(
  api: TestApi,
  path: string,
  isLast: (event: ServerEvent) => boolean,
  lastEventId?: string,
): Promise<ServerEvent[]> {
  const stop = new AbortController()
  const response = await fetch(api.url + path, {
    headers: {
      authorization: 'Bearer mlf_viewer',
      ...(lastEventId === undefined ? {} : { 'last-event-id': lastEventId }),
    },
    signal: AbortSignal.any([stop.signal, AbortSignal.timeout(120_000)]),
  })
  expect(response.headers.get('content-type')).toMatch('text/event-stream')
  const found: ServerEvent[] = []
  let text = ''
  for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
    text += chunk
    const blocks = text.split('\n\n')
    text = blocks.pop()!
    for (const block of blocks.filter(each => !each.startsWith(':'))) {
      const fields = Object.fromEntries(block.split('\n').map(line => line.split(/: (.*)/s).slice(0, 2)))
      const event = { ...fields, data: JSON.parse(fields['data'] as string) as unknown } as ServerEvent
      found.push(event)
      if (!isLast(event)) continue
      stop.abort()
      return found
    }
  }
  return found
}
