import { describe, expect, it } from '@jest/globals'
import { decideFollowing, type FollowingSeen } from '../../../domain/rollouts/following.js'

const MOVED: FollowingSeen = { move: { id: 'm', version: 3 }, stable: 2, tried: false, open: null }

describe('a deployment that follows an alias', () => {
  it.each<[string, Partial<FollowingSeen>, string]>([
    ['has nothing to follow yet', { move: null }, 'the alias names no version'],
    ['keeps what serves when the alias is removed', { move: { id: 'm', version: null } }, 'names no version'],
    ['serves the version already', { stable: 3 }, 'version 3 serves'],
    ['does not try a move again', { tried: true }, 'has had its rollout'],
    ['lets an open rollout end first', { open: 'r' }, 'waits for the end of rollout r'],
    ['has tried it, whatever is open', { tried: true, open: 'r' }, 'has had its rollout'],
  ])('%s', (_what, seen, reason) => {
    expect(decideFollowing({ ...MOVED, ...seen })).toEqual({
      do: 'nothing',
      reason: expect.stringContaining(reason),
    })
  })

  it.each([2, null])('rolls out what the alias has come to name (stable: %s)', stable => {
    expect(decideFollowing({ ...MOVED, stable })).toEqual({ do: 'roll out', version: 3, move: 'm' })
  })
})
