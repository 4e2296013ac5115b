import { Inject, Injectable } from '@nestjs/common'
import type { Lineage, LineageNode } from '../../contracts/rest/lineage.js'
import { MlforgeError } from '../../domain/errors.js'
import { NODE_RULE, nodeId, parseNodeId } from '../../domain/lineage/nodes.js'
import { walk } from '../../domain/lineage/walk.js'
import { type LineageRun, LineageStore } from '../../stores/postgres/lineage-store.js'
import type { Principal } from '../http/request.js'
import { invalidRequest } from '../http/validation.js'
import { DEPTH, LIMIT, type LineageQueryDto } from './lineage.dto.js'

@Injectable()
export class LineageService {
  constructor(@Inject(LineageStore) private readonly lineage: LineageStore) {}

  async get(
    { project }: Principal,
    id: string,
    { direction = 'both', depth = DEPTH, limit = LIMIT }: LineageQueryDto,
  ): Promise<Lineage> {
    const start = parseNodeId(id)
    if (start === null) {
      const message = `"${id.slice(0, 200)}" is no node of lineage. Write ${NODE_RULE}.`
      throw invalidRequest([{ at: 'path {id}', message }])
    }
    if (!(await this.lineage.exists(project, start))) {
      throw new MlforgeError('not_found', `There is no ${nodeId(start)} in project "${project}".`)
    }
    const graph = await walk(nodeId(start), { direction, depth, limit }, this.lineage.edgesOf(project))
    const found = [...graph.distances].map(([node, distance]) => ({ node: parseNodeId(node)!, distance }))
    const runs = found.flatMap(({ node }) => ('run' in node ? [node.run] : []))
    const known = new Map((await this.lineage.runs(project, runs)).map(run => [run.id, run]))
    return {
      nodes: found
        .toSorted((a, b) => a.distance - b.distance)
        .map(({ node, distance }): LineageNode => {
          const run = 'run' in node ? known.get(node.run) : undefined
          return {
            id: nodeId(node),
            kind: node.kind,
            name: 'name' in node ? node.name : (run?.name ?? null),
            version: 'version' in node ? node.version : null,
            window: 'window' in node ? node.window : null,
            run: run ? runView(run) : null,
            distance,
          }
        }),
      edges: graph.edges.map(({ step, at, ...edge }) => ({
        ...edge,
        step: step === '' ? null : step,
        at: new Date(at).toISOString(),
      })),
      truncated: graph.truncated,
    }
  }
}

function runView({ id, kind, status }: LineageRun) {
  return { id, kind, status }
}
