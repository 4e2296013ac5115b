import { open } from 'node:fs/promises'
import { describe, expect, it } from '@jest/globals'
import { receive } from '../../../stores/objects/receive.js'

describe('content that is received', () => {
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
