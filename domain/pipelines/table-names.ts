import type { Problem } from '../errors.js'

/** Tables of a step are named as SQL names them without quotes: letters of either case are the same. */
const TABLE_NAME_PATTERN = /^[A-Za-z_][A-Za-z0-9_]{0,59}$/

/**
 * What is wrong with the names that a step has for its tables: none is empty.
 * @param at where the tables are declared, for example `tables`
 */
export function tableNameProblems(names: readonly string[], at: string): Problem[] {
  const seen = new Map<string, string>()
  return names.flatMap(name => {
    if (!TABLE_NAME_PATTERN.test(name)) {
      const message = `"${name}" is no name of a table: letters, digits and "_", at most 60, not starting with a digit.`
      return [{ at: `${at}.${name}`, message }]
    }
    const key = name.toLowerCase()
    const other = seen.get(key)
    seen.set(key, name)
    return other === undefined
      ? []
      : [{ at: `${at}.${name}`, message: `"${name}" and "${other}" are one name in SQL.` }]
  })
}
