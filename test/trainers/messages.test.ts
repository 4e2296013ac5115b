import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { parseMessage } from '../../trainers/messages.js'

const checkpoint = { event: 'checkpoint', round: 250, file: '/a', bytes: 10, sha256: 'ab' }

describe('messages of a child', () => {
  it.each([
    { event: 'started', pid: 1, engine: 'xgboost 3.4.1', rows: 3, fromRound: 0 },
    { event: 'progress', round: 1, rounds: 2, trainRmse: 0.5 },
    checkpoint,
    { event: 'result', result: {} },
    { event: 'error', code: 'trainer_failed', message: 'x', details: {} },
  ])('are read: $event', message => {
    expect(parseMessage(JSON.stringify(message))).toEqual(message)
  })

  it.each(['', 'null', '7', '[]', '{}', '{"event":"toString"}', '{"event":"result","result":null}'])(
    'are not: %s',
    line => {
      expect(parseMessage(line)).toBeUndefined()
    },
  )

  it('must have every field, of its kind', () => {
    for (const field of Object.keys(checkpoint)) {
      for (const wrong of [undefined, null, {}, -1, 1.5, true]) {
        expect(parseMessage(JSON.stringify({ ...checkpoint, [field]: wrong }))).toBeUndefined()
      }
    }
  })

  it('never throw', () => {
    fc.assert(fc.property(fc.oneof(fc.string(), fc.json()), line => void parseMessage(line)))
  })
})
