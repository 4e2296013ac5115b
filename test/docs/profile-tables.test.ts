import { readFile } from 'node:fs/promises'
import { describe, expect, it } from '@jest/globals'
import { PROFILE, profileDocument } from './profile-tables.js'

describe('docs/reference/profile.md', () => {
  it('has the thresholds of the code (node dist/test/docs/write-profile.js)', async () => {
    expect(await readFile(PROFILE, 'utf8')).toBe(await profileDocument())
  })
})
