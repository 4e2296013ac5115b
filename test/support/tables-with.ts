import type { DataSource } from 'typeorm'

/** Tables of which a row has a text in it, wherever. */
export async function tablesWith(dataSource: DataSource, text: string): Promise<string[]> {
  const tables: { name: string }[] = await dataSource.query(
    `SELECT table_name AS name FROM information_schema.tables WHERE table_schema = 'public' ORDER BY 1`,
  )
  const found: string[] = []
  for (const { name } of tables) {
    const rows: unknown[] = await dataSource.query(
      `SELECT 1 FROM "${name}" each WHERE position($1 IN each::text) > 0`,
      [text],
    )
    if (rows.length > 0) found.push(name)
  }
  return found
}
