import type { StaleReason } from './staleness.js'

const SHOWN = 12

/** A partition as people write it. */
export function partitionName(asset: string, partition: string): string {
  return partition === '' ? asset : `${asset}[${partition}]`
}

/** A reason in words. */
export function describeReason(reason: StaleReason): string {
  switch (reason.code) {
    case 'missing':
      return 'never made'
    case 'code_changed':
      return `its pipeline or parameters changed (${short(reason.from)} -> ${short(reason.to)})`
    case 'definition_changed':
      return `its definition changed (version ${reason.from} -> ${reason.to})`
    case 'input_changed':
      return `${partitionName(reason.asset, reason.partition)} changed (${short(reason.from)} -> ${short(reason.to)})`
    case 'input_stale':
      return `${partitionName(reason.asset, reason.partition)} is stale`
  }
}

function short(hash: string | null): string {
  return hash === null ? 'none' : hash.slice(0, SHOWN)
}
