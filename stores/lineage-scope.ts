import { AsyncLocalStorage } from 'node:async_hooks'
import type { Json } from '../domain/canonical-json.js'
import { type LineageNode, nodeId } from '../domain/lineage/nodes.js'

/** What an activity has touched: ids of nodes. */
export interface Touched {
  readonly read: Set<string>
  readonly wrote: Set<string>
  details: Readonly<Record<string, Json>> | null
}

const scope = new AsyncLocalStorage<Touched>()

/** Notes what is read and written while it works, until its step is committed. */
export function traced<T>(work: () => Promise<T>): Promise<T> {
  return scope.run({ read: new Set(), wrote: new Set(), details: null }, work)
}

/** Says what the step at hand was made from. Outside of a step it says nothing. */
export function reads(...nodes: readonly LineageNode[]): void {
  for (const node of nodes) scope.getStore()?.read.add(nodeId(node))
}

/** Says what the step at hand has made. */
export function writes(...nodes: readonly LineageNode[]): void {
  for (const node of nodes) scope.getStore()?.wrote.add(nodeId(node))
}

/** Says what has to be known of this step by whoever follows what it has read or written. */
export function remarks(details: Readonly<Record<string, Json>>): void {
  const store = scope.getStore()
  if (store) store.details = { ...store.details, ...details }
}

export function touched(): Touched | undefined {
  return scope.getStore()
}
