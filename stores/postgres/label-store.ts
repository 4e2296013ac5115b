import type { DataSource } from 'typeorm'
import { PAGE_ROWS, pagesOf } from './cursor.js'
import { Label } from './entities/prediction.js'
import { page, type PageOf, type PageRequest } from './paging.js'

export interface NewLabel {
  readonly predictionId: string
  readonly value: number
  /** When it became known, as the sender says. */
  readonly at: Date
}

/** What labels came to; the three sum to the labels given. */
export interface AddedLabels {
  readonly added: number
  readonly corrected: number
  readonly unchanged: number
}

export interface LabelCounts {
  readonly labels: number
  readonly corrections: number
  /** Labels whose prediction has not been found yet, and those that were reported to have none. */
  readonly held: number
  readonly unknown: number
}

/** A label that was reported, with the value that holds. */
export interface UnknownLabel {
  readonly predictionId: string
  readonly value: number
  readonly at: Date
  /** When the first value came. */
  readonly receivedAt: Date
  readonly reportedAt: Date
}

/** The value that holds for a prediction. */
export interface EffectiveLabel {
  readonly predictionId: string
  readonly value: number
  readonly at: Date
  readonly revision: number
}

export interface UnmatchedCounts {
  readonly project: string
  readonly deployment: string
  readonly held: number
  readonly unknown: number
}

/** Of the row of a label's first value, as the indices have it. */
export const HELD = 'revision = 0 AND matched_at IS NULL AND reported_at IS NULL'
export const UNKNOWN = 'matched_at IS NULL AND reported_at IS NOT NULL'

/** What became of predictions. No value is ever overwritten: a correction is the next revision, and wins. */
export class LabelStore {
  constructor(private readonly dataSource: DataSource) {}

  /**
   * Keeps labels, all or none. The value that holds already changes nothing, not even its time. Of a
   * prediction that is given twice the first label counts; that both say the same is for the caller to see.
   */
  async add(deploymentId: string, labels: readonly NewLabel[], principal: string): Promise<AddedLabels> {
    const firsts = [...new Map(labels.toReversed().map(label => [label.predictionId, label])).values()]
    return this.dataSource.transaction(async transaction => {
      // Writers of one deployment take turns: revisions have no gaps, and the order of receipt is the
      // order of commits, so that who has read up to a time of receipt has missed nothing before it.
      await transaction.query(`SELECT pg_advisory_xact_lock(hashtextextended('labels/' || $1::text, 0))`, [
        deploymentId,
      ])
      const rows: Omit<AddedLabels, 'unchanged'>[] = await transaction.query(
        `WITH known AS (
           SELECT DISTINCT ON (prediction_id) prediction_id, revision, value FROM labels
           WHERE deployment_id = $1 AND prediction_id = ANY($2) ORDER BY prediction_id, revision DESC
         ), written AS (
           INSERT INTO labels (deployment_id, prediction_id, revision, value, at, received_at, principal)
           SELECT $1, prediction_id, coalesce(known.revision + 1, 0), given.value, given.at,
                  greatest(statement_timestamp(), (
                    SELECT max(received_at) + interval '1 microsecond' FROM labels WHERE deployment_id = $1)), $5
           FROM unnest($2::text[], $3::float8[], $4::timestamptz[]) AS given (prediction_id, value, at)
           LEFT JOIN known USING (prediction_id)
           WHERE known.value IS DISTINCT FROM given.value
           RETURNING revision
         )
         SELECT (count(*) FILTER (WHERE revision = 0))::int AS added,
                (count(*) FILTER (WHERE revision > 0))::int AS corrected FROM written`,
        [
          deploymentId,
          firsts.map(label => label.predictionId),
          firsts.map(label => label.value),
          firsts.map(label => label.at.toISOString()),
          principal,
        ],
      )
      const { added, corrected } = rows[0]!
      return { added, corrected, unchanged: labels.length - added - corrected }
    })
  }

  async summary(deploymentId: string): Promise<LabelCounts> {
    const rows: LabelCounts[] = await this.dataSource.query(
      `SELECT (count(*) FILTER (WHERE revision = 0))::int AS labels,
              (count(*) FILTER (WHERE revision > 0))::int AS corrections,
              (SELECT count(*)::int FROM labels WHERE deployment_id = $1 AND ${HELD}) AS held,
              (SELECT count(*)::int FROM labels WHERE deployment_id = $1 AND ${UNKNOWN}) AS unknown
       FROM labels WHERE deployment_id = $1`,
      [deploymentId],
    )
    return rows[0]!
  }

  /** When the latest label came in, to the microsecond. Labels become visible in the order of this time. */
  async receivedUntil(deploymentId: string): Promise<string | null> {
    const rows: { until: string | null }[] = await this.dataSource.query(
      'SELECT max(received_at)::text AS until FROM labels WHERE deployment_id = $1',
      [deploymentId],
    )
    return rows[0]!.until
  }

  /**
   * The labels that hold, page by page (`pagesOf`) in the order of their predictions.
   * @param since only those received at this time or later
   */
  effective(deploymentId: string, since?: Date): AsyncGenerator<EffectiveLabel[]> {
    return pagesOf(
      this.dataSource,
      `SELECT DISTINCT ON (prediction_id) prediction_id AS "predictionId", value, at, revision FROM labels
       WHERE deployment_id = $1 AND received_at >= $2::timestamptz
       ORDER BY prediction_id, revision DESC`,
      [deploymentId, since?.toISOString() ?? '-infinity'],
    )
  }

  /** Labels that were reported since there is no prediction of their id, the latest report first. */
  async unknown(deploymentId: string, request: PageRequest): Promise<PageOf<UnknownLabel>> {
    const query = this.dataSource
      .getRepository(Label)
      .createQueryBuilder('label')
      .where({ deploymentId, revision: 0 })
      .andWhere('label.matchedAt IS NULL AND label.reportedAt IS NOT NULL')
    const { items, ...rest } = await page(query, ['reportedAt', 'predictionId'], request)
    const ids = items.map(({ predictionId }) => predictionId)
    const values: EffectiveLabel[] = []
    for await (const some of this.effectiveOf(deploymentId, ids)) values.push(...some)
    const byId = new Map(values.map(each => [each.predictionId, each]))
    return {
      ...rest,
      items: items.map(({ predictionId, receivedAt, reportedAt }) => {
        const { value, at } = byId.get(predictionId)!
        return { predictionId, value, at, receivedAt, reportedAt: reportedAt! }
      }),
    }
  }

  /** The labels that hold of the predictions given, page by page. */
  async *effectiveOf(
    deploymentId: string,
    predictionIds: readonly string[],
  ): AsyncGenerator<EffectiveLabel[]> {
    for (let at = 0; at < predictionIds.length; at += PAGE_ROWS) {
      yield await this.dataSource.query(
        `SELECT DISTINCT ON (prediction_id) prediction_id AS "predictionId", value, at, revision FROM labels
         WHERE deployment_id = $1 AND prediction_id = ANY($2) ORDER BY prediction_id, revision DESC`,
        [deploymentId, predictionIds.slice(at, at + PAGE_ROWS)],
      )
    }
  }

  /** How many labels of each deployment wait for their prediction, and how many were reported to have none. */
  async unmatched(): Promise<UnmatchedCounts[]> {
    return this.dataSource.query(
      `SELECT project, name AS deployment,
              (SELECT count(*)::int FROM labels WHERE deployment_id = id AND ${HELD}) AS held,
              (SELECT count(*)::int FROM labels WHERE deployment_id = id AND ${UNKNOWN}) AS unknown
       FROM deployments ORDER BY project, name`,
    )
  }

  /** Every value of one prediction's label, first to last; empty for a prediction without one. */
  async history(deploymentId: string, predictionId: string): Promise<Label[]> {
    return this.dataSource
      .getRepository(Label)
      .find({ where: { deploymentId, predictionId }, order: { revision: 'ASC' } })
  }
}
