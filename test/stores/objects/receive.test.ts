import { hash } from 'node:crypto'
import { mkdtemp, open, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { receive } from '../../../stores/objects/receive.js'
import { madeBytes } from '../../domain/data/made-bytes.js'

describe('content that is received', () => {
  it('is written whole and in order, however it comes', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'mlforge-receive-'))
    try {
      await fc.assert(
        fc.asyncProperty(fc.array(fc.nat(700_000), { maxLength: 12 }), async sizes => {
          const parts = sizes.map((size, i) => madeBytes(size, i))
          const file = await open(join(directory, 'file'), 'w+')
          async function* coming() {
            yield* parts
          }
          try {
            const whole = Buffer.concat(parts)
            expect(await receive(file, coming(), {})).toEqual({
              sha256: hash('sha256', whole, 'hex'),
              bytes: whole.length,
            })
            expect((await readFile(join(directory, 'file'))).equals(whole)).toBe(true)
          } finally {
            await file.close()
          }
        }),
        { numRuns: 30 },
      )
    } finally {
      await rm(directory, { recursive: true, force: true })
    }
  })

  it('says when the disk is full', async () => {
    const full = await open('/dev/full', 'w')
    try {
      await expect(receive(full, new Uint8Array(10), {})).rejects.toMatchObject({
        code: 'unavailable',
        message: expect.stringContaining('full'),
      })
    } finally {
      await full.close()
    }
  })
})
