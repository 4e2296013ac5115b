import { DefaultNamingStrategy, type Table } from 'typeorm'

const snake = (name: string) => name.replace(/[A-Z]/g, letter => `_${letter.toLowerCase()}`)
const nameOf = (table: Table | string) => (typeof table === 'string' ? table : table.name).split('.').pop()!

/** `createdAt` is `created_at`, and constraints have names that say what they hold: `datasets_project_name_unique`. */
export class SnakeNaming extends DefaultNamingStrategy {
  override columnName(property: string, custom: string | undefined, prefixes: string[]): string {
    return snake([...prefixes, custom ?? property].join('_'))
  }
  override primaryKeyName(table: Table | string): string {
    return `${nameOf(table)}_key`
  }
  override uniqueConstraintName(table: Table | string, columns: string[]): string {
    return `${nameOf(table)}_${columns.join('_')}_unique`
  }
  override foreignKeyName(table: Table | string, columns: string[]): string {
    return `${nameOf(table)}_${columns.join('_')}_reference`
  }
  override indexName(table: Table | string, columns: string[]): string {
    return `${nameOf(table)}_${columns.join('_')}_index`
  }
}
