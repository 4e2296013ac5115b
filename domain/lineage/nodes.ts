import { ID_PATTERN, NAME_PATTERN } from '../names.js'
import { STEP_NAME_PATTERN } from '../pipelines/definition.js'

/** What lineage leads to and from. Runs are nodes too: what they read leads to them, and they lead to what they wrote. */
export type LineageNode =
  | { readonly kind: 'dataset' | 'model' | 'transformation'; readonly name: string; readonly version: number }
  /** Predictions of a deployment: a window of its monitoring, or from one instant to another. */
  | { readonly kind: 'window'; readonly name: string; readonly window: string }
  | { readonly kind: 'deployment'; readonly name: string }
  /** What a run has found out of data or of a model; of a run of a pipeline, what one of its steps has. */
  | { readonly kind: 'report'; readonly run: string; readonly step?: string }
  | { readonly kind: 'run'; readonly run: string }

export const NODE_RULE =
  'dataset:<name>@<version>, model:<name>@<version>, transformation:<name>@<version>, window:<deployment>@<window>, deployment:<name>, report:<run>, report:<run>@<step> or run:<run>'

/** The one id of a node, as NODE_RULE has it: a name, and where there are many of it which one, after an `@`. */
export function nodeId(node: LineageNode): string {
  switch (node.kind) {
    case 'dataset':
    case 'model':
    case 'transformation':
      return `${node.kind}:${node.name}@${node.version}`
    case 'window':
      return `window:${node.name}@${node.window}`
    case 'deployment':
      return `deployment:${node.name}`
    case 'report':
      return node.step === undefined ? `report:${node.run}` : `report:${node.run}@${node.step}`
    case 'run':
      return `run:${node.run}`
  }
}

/** What a step of a pipeline's run has found out; an item of a map counts as the step. */
export function reportOfStep(run: string, step: string): LineageNode {
  return { kind: 'report', run, step: step.split(/[/:]/)[0]! }
}

/** The node of an id; null for what is none. An id of a run alone is that run. */
export function parseNodeId(id: string): LineageNode | null {
  if (ID_PATTERN.test(id)) return { kind: 'run', run: id }
  const [, kind, rest = ''] = /^([a-z]+):(.{1,400})$/s.exec(id) ?? []
  const [, name = '', which = ''] = /^([^@]+)@(.+)$/s.exec(rest) ?? []
  switch (kind) {
    case 'dataset':
    case 'model':
    case 'transformation':
      if (!NAME_PATTERN.test(name) || !/^[1-9]\d{0,8}$/.test(which)) return null
      return { kind, name, version: Number(which) }
    case 'window':
      return NAME_PATTERN.test(name) ? { kind, name, window: which } : null
    case 'deployment':
      return NAME_PATTERN.test(rest) ? { kind, name: rest } : null
    case 'report':
      if (ID_PATTERN.test(rest)) return { kind, run: rest }
      return ID_PATTERN.test(name) && STEP_NAME_PATTERN.test(which) ? { kind, run: name, step: which } : null
    case 'run':
      return ID_PATTERN.test(rest) ? { kind, run: rest } : null
    default:
      return null
  }
}
