/** A quoted identifier. */
export function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

/** A text literal. */
export function text(value: string): string {
  return `'${value.replaceAll("'", "''")}'`
}

/** A constant as SQL has it. Numbers that are not whole are doubles, not decimals of their digits. */
export function literal(value: string | number | boolean): string {
  if (typeof value === 'string') return text(value)
  if (typeof value === 'boolean' || Number.isSafeInteger(value)) return String(value)
  return `'${value}'::DOUBLE`
}
