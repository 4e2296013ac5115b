import type { DataSource } from 'typeorm'
import { Label } from './entities/prediction.js'

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
}

/** The value that holds for a prediction. */
export interface EffectiveLabel {
  readonly predictionId: string
  readonly value: number
  readonly at: Date
  readonly revision: number
}

const PAGE_ROWS = 10_000

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
                  statement_timestamp(), $5
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
    const rows: { labels: string; corrections: string }[] = await this.dataSource.query(
      `SELECT count(*) FILTER (WHERE revision = 0) AS labels,
              count(*) FILTER (WHERE revision > 0) AS corrections
       FROM labels WHERE deployment_id = $1`,
      [deploymentId],
    )
    const { labels, corrections } = rows[0]!
    return { labels: Number(labels), corrections: Number(corrections) }
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
   * The labels that hold, page by page in the order of their predictions, all as of the moment of the
   * first page. A connection is held until the last page has been taken or the loop is left.
   * @param since only those received at this time or later
   */
  async *effective(deploymentId: string, since?: Date): AsyncGenerator<EffectiveLabel[]> {
    const runner = this.dataSource.createQueryRunner()
    try {
      await runner.startTransaction()
      await runner.query(
        `DECLARE effective NO SCROLL CURSOR FOR
         SELECT DISTINCT ON (prediction_id) prediction_id AS "predictionId", value, at, revision FROM labels
         WHERE deployment_id = $1 AND received_at >= $2::timestamptz
         ORDER BY prediction_id, revision DESC`,
        [deploymentId, since?.toISOString() ?? '-infinity'],
      )
      for (;;) {
        const labels = (await runner.query(`FETCH ${PAGE_ROWS} FROM effective`)) as EffectiveLabel[]
        if (labels.length > 0) yield labels
        if (labels.length < PAGE_ROWS) return
      }
    } finally {
      if (runner.isTransactionActive) await runner.rollbackTransaction()
      await runner.release()
    }
  }

  /** The labels that hold of the predictions given, page by page. */
  async *effectiveOf(
    deploymentId: string,
    predictionIds: readonly string[],
  ): AsyncGenerator<Pick<EffectiveLabel, 'predictionId' | 'value'>[]> {
    for (let at = 0; at < predictionIds.length; at += PAGE_ROWS) {
      yield await this.dataSource.query(
        `SELECT DISTINCT ON (prediction_id) prediction_id AS "predictionId", value FROM labels
         WHERE deployment_id = $1 AND prediction_id = ANY($2) ORDER BY prediction_id, revision DESC`,
        [deploymentId, predictionIds.slice(at, at + PAGE_ROWS)],
      )
    }
  }

  /** Every value of one prediction's label, first to last; empty for a prediction without one. */
  async history(deploymentId: string, predictionId: string): Promise<Label[]> {
    return this.dataSource
      .getRepository(Label)
      .find({ where: { deploymentId, predictionId }, order: { revision: 'ASC' } })
  }
}
