/** Why a value has no column or code. */
export function unknownCategory(column: string, rows: number, shown: string): string {
  return `${JSON.stringify(shown)} is no category that "${column}" had when it was fitted (${rows} ${rows === 1 ? 'row' : 'rows'}). Fit again, or choose what "unknown" values become.`
}
