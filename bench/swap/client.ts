// One-row requests at a fixed rate, whatever the answers do: a request that is due is sent, and its time
// counts from when it was due.
import { Agent, request } from 'node:http'
import { setTimeout as wait } from 'node:timers/promises'

export interface FixedRate {
  /** Taken in turns. */
  readonly ports: readonly number[]
  readonly path: string
  readonly key: string
  readonly perSecond: number
  /** Begins the ids, so that no two runs share one. */
  readonly run: string
  readonly features: Readonly<Record<string, number>>
}

export interface Answered {
  readonly port: number
  /** Milliseconds of wall-clock time. */
  readonly sentAt: number
  readonly answeredAt: number
  /** From when it was due, ms. */
  readonly latency: number
  readonly status: number
  readonly revision: number
}

const load = JSON.parse(process.argv[2]!) as FixedRate
const agent = new Agent({ keepAlive: true, maxSockets: 64 })
const answers: Answered[] = []
const open = new Set<Promise<void>>()
let told = false
process.once('message', () => (told = true))

const started = performance.now()
for (let next = 0; !told; next++) {
  const due = started + (next * 1000) / load.perSecond
  const early = due - performance.now()
  if (early > 0) await wait(early)
  const sent = send(load.ports[next % load.ports.length]!, `${load.run}-${next}`, due)
  open.add(sent)
  void sent.finally(() => open.delete(sent))
}
await Promise.all(open)
agent.destroy()
process.send!(answers, () => process.disconnect())

function send(port: number, id: string, due: number): Promise<void> {
  const sentAt = wallClock()
  const body = JSON.stringify({ rows: [{ id, features: load.features }] })
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${load.key}`, 'content-type': 'application/json' }
    const sent = request(
      { host: '127.0.0.1', port, method: 'POST', path: load.path, agent, headers },
      response => {
        let text = ''
        response.setEncoding('utf8').on('data', chunk => (text += String(chunk)))
        response.once('error', reject)
        response.once('end', () => {
          const status = response.statusCode!
          const { revision = 0 } = JSON.parse(text) as { revision?: number }
          const latency = performance.now() - due
          answers.push({ port, sentAt, answeredAt: wallClock(), latency, status, revision })
          resolve()
        })
      },
    )
    sent.once('error', reject)
    sent.end(body)
  })
}

function wallClock(): number {
  return performance.timeOrigin + performance.now()
}
