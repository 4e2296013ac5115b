import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import type { Logger } from 'pino'
import type { EntityManager } from 'typeorm'
import { writeFile } from '../activities/objects.js'
import type { Ports } from '../activities/ports.js'
import { withScratch } from '../activities/scratch.js'
import { MlforgeError } from '../domain/errors.js'
import { PredictionTable } from '../stores/duckdb/predictions-write.js'
import { derivedId, sha256Hex } from '../stores/ids.js'
import type {
  NewPredictionFile,
  PredictionFile,
  PredictionSegment,
} from '../stores/postgres/entities/prediction.js'

export type IngestPorts = Pick<Ports, 'predictions' | 'deployments' | 'objects' | 'scratch'> & {
  readonly logger: Logger
}

const IDLE_MS = 500

/** At 8 MB a segment a batch takes seconds: Postgres ends transactions that are idle for a minute. */
const BATCH = 16

/** With doubling delay up to a minute: an object that has not appeared for a quarter of an hour is lost. */
const OBJECT_TRIES = 20

/**
 * Turns sealed segments of the prediction log into Parquet files, until told to stop. Several workers may
 * do so. Killed at any point it leaves at most an object that nobody names: files and the segments
 * that they are made of are written in one transaction.
 */
export async function ingestPredictions(ports: IngestPorts, stop: AbortSignal): Promise<void> {
  const { predictions, scratch, logger } = ports
  while (!stop.aborted) {
    let taken = 0
    try {
      taken = await predictions.takeWaiting(BATCH, (segments, transaction) =>
        withScratch(scratch, directory => new Batch(ports, segments, transaction, directory, stop).ingest()),
      )
    } catch (error) {
      if (!stop.aborted)
        logger.warn({ error: String(error) }, 'predictions could not be ingested; trying again')
    }
    if (taken === 0) await wait(IDLE_MS, undefined, { signal: stop }).catch(() => undefined)
  }
}

/** Segments of one project, a replica's in their order. */
class Batch {
  private readonly deploymentIds = new Map<string, string>()
  private readonly ingested: PredictionSegment[] = []

  constructor(
    private readonly ports: IngestPorts,
    private readonly segments: readonly PredictionSegment[],
    private readonly transaction: EntityManager,
    private readonly directory: string,
    private readonly signal: AbortSignal,
  ) {}

  async ingest(): Promise<void> {
    const { directory, signal } = this
    await PredictionTable.with(directory, { signal }, async table => {
      const known = await this.ports.predictions.ingestedRanges(this.transaction, this.segments)
      for (const segment of this.segments) {
        try {
          await this.gather(table, segment, known)
        } catch (error) {
          if (!(error instanceof MlforgeError)) throw error
          await this.putAside(segment, error)
        }
      }
      await this.ports.predictions.finish(this.transaction, this.ingested, await this.writeFiles(table))
    })
  }

  /**
   * All records of a segment or none. A replica that has been killed may seal records a second time in
   * another segment: numbers that are there already are left out.
   */
  private async gather(
    table: PredictionTable,
    segment: PredictionSegment,
    known: { replica: string; first: number; last: number }[],
  ): Promise<void> {
    const { replica, records, segment: number, gaps } = segment
    const [first, last] = [Number(segment.firstSequence), Number(segment.lastSequence)]
    const bytes = await readFile(await this.ports.objects.toFile(segment.uri, this.directory))
    const content = { replica, segment: number, bytes, records, firstSequence: first, lastSequence: last }
    const deployments = await table.stage(content)
    for (const name of [...deployments, ...gaps.map(gap => gap.deployment)]) {
      await this.deploymentId(segment.project, name)
    }
    await table.keep(known.filter(range => range.replica === replica))
    known.push({ replica, first, last })
    this.ingested.push(segment)
  }

  private async deploymentId(project: string, name: string): Promise<string> {
    const known = this.deploymentIds.get(name)
    if (known !== undefined) return known
    const { id } = await this.ports.deployments.get(project, name)
    this.deploymentIds.set(name, id)
    return id
  }

  /** One file for each deployment that has records or gaps in what was gathered. */
  private async writeFiles(table: PredictionTable): Promise<NewPredictionFile[]> {
    const gaps = this.ingested.flatMap(segment => segment.gaps)
    const names = new Set([...(await table.deployments()), ...gaps.map(gap => gap.deployment)])
    const files: NewPredictionFile[] = []
    for (const name of [...names].toSorted()) {
      const deploymentId = this.deploymentIds.get(name)!
      const own = gaps.filter(gap => gap.deployment === name)
      files.push(await this.writeOne(table, name, deploymentId, own))
    }
    return files
  }

  private async writeOne(
    table: PredictionTable,
    deployment: string,
    deploymentId: string,
    gaps: PredictionFile['gaps'],
  ): Promise<NewPredictionFile> {
    const file = join(this.directory, `${deploymentId}.parquet`)
    const { rows, minEventTime, maxEventTime, minRevision, maxRevision } = await table.write(deployment, file)
    const segments = this.ingested.map(({ replica, segment }) => `${replica}/${segment}`)
    const { project } = this.ingested[0]!
    const effectKey = `${project}/ingest/${deploymentId}/${sha256Hex(JSON.stringify(segments))}`
    const times = [
      ...(rows > 0 ? [minEventTime!, maxEventTime!] : []),
      ...gaps.flatMap(gap => [gap.fromEventTime, gap.toEventTime]),
    ]
    const { uri, sha256, bytes } = await writeFile(this.ports.objects, project, file)
    this.ports.logger.debug({ deployment, rows, segments: segments.length }, 'predictions ingested')
    return {
      id: derivedId(effectKey),
      deploymentId,
      uri,
      sha256,
      bytes: String(bytes),
      rows,
      minEventTime: new Date(Math.min(...times)),
      maxEventTime: new Date(Math.max(...times)),
      minRevision: minRevision ?? 0,
      maxRevision: maxRevision ?? 0,
      segments,
      gaps,
      effectKey,
    }
  }

  /** A segment that cannot be ingested holds no other up. It is tried again where that can help. */
  private async putAside(
    segment: PredictionSegment,
    { code, message, retryable }: MlforgeError,
  ): Promise<void> {
    const { predictions, logger } = this.ports
    const { replica, segment: number, tries } = segment
    const context = { replica, segment: number, tries: tries + 1, code, message }
    // A store that does not answer loses nothing: it may take as long as it needs.
    const isLost = code !== 'unavailable' && tries + 1 >= OBJECT_TRIES
    if (retryable && !isLost) {
      await predictions.postpone(this.transaction, segment)
      logger.warn(context, 'a segment of the prediction log cannot be read; it is tried again')
      return
    }
    await predictions.refuse(this.transaction, segment, message)
    logger.error(
      context,
      'a segment of the prediction log can never be ingested; its predictions are not counted',
    )
  }
}
