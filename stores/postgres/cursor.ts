import type { DataSource } from 'typeorm'

export const PAGE_ROWS = 10_000

/**
 * The rows of a query, page by page, all as of the moment of the first page. A connection is held until
 * the last page has been taken or the loop is left.
 */
export async function* pagesOf<T>(
  dataSource: DataSource,
  sql: string,
  parameters: readonly unknown[],
): AsyncGenerator<T[]> {
  const runner = dataSource.createQueryRunner()
  try {
    await runner.startTransaction()
    await runner.query(`DECLARE pages NO SCROLL CURSOR FOR ${sql}`, [...parameters])
    for (;;) {
      const rows = (await runner.query(`FETCH ${PAGE_ROWS} FROM pages`)) as T[]
      if (rows.length > 0) yield rows
      if (rows.length < PAGE_ROWS) return
    }
  } finally {
    if (runner.isTransactionActive) await runner.rollbackTransaction()
    await runner.release()
  }
}
