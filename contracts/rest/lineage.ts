/** What a node is; see `nodeId` for its id. */
export type LineageNodeKind =
  'dataset' | 'model' | 'transformation' | 'window' | 'deployment' | 'report' | 'run'

export interface LineageNode {
  /** For example `dataset:bike@3`; of a window its deployment comes before the `@`. */
  readonly id: string
  readonly kind: LineageNodeKind
  /** Of the dataset, model or deployment; of a run or a report that of the run. */
  readonly name: string | null
  readonly version: number | null
  readonly window: string | null
  /** The run, or that which a report is of. */
  readonly run: { readonly id: string; readonly kind: string; readonly status: string } | null
  /** Edges from the node that was asked for. */
  readonly distance: number
}

/** One step of the way that data take. */
export interface LineageEdge {
  readonly from: string
  readonly to: string
  /** Of the run, which is one of the two; null where one run has started the other. */
  readonly step: string | null
  /** What has to be known of the step, as that somebody has passed data that were not as expected. */
  readonly details: Readonly<Record<string, unknown>> | null
  readonly at: string
}

/** What a node was made from and what was made of it. */
export interface Lineage {
  /** The node itself is the first, then the nearest. */
  readonly nodes: readonly LineageNode[]
  readonly edges: readonly LineageEdge[]
  /** True where there is more than `depth` or `limit` let in. */
  readonly truncated: boolean
}

/** A change of a run, and whether the receiver of OpenLineage events has it. */
export interface LineageEvent {
  readonly run: string
  readonly attempt: number
  readonly type: 'START' | 'COMPLETE' | 'FAIL' | 'ABORT'
  readonly at: string
  /** Refused is what the receiver says it will never take. */
  readonly state: LineageEventState
  readonly tries: number
  /** When it is sent again; null where it is not. */
  readonly dueAt: string | null
  readonly sentAt: string | null
  /** What went wrong the last time. */
  readonly error: string | null
}

export type LineageEventState = 'owed' | 'sent' | 'refused'
