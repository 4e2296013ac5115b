/** `12,345`. */
export function count(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+(?!\d))/g, ',')
}

/** Three decimals; very small ones, such as p-values, by their order of magnitude. */
export function decimal(value: number | null): string {
  if (value === null) return 'none'
  if (value !== 0 && Math.abs(value) < 0.001) return value.toExponential(1)
  return Math.abs(value) >= 100 ? value.toFixed(1) : value.toFixed(3)
}

/** `+27.4 %`; the sign where it tells something. */
export function percent(share: number | null, signed = false): string {
  if (share === null) return 'none'
  return `${signed && share > 0 ? '+' : ''}${(100 * share).toFixed(1)} %`
}

/** Numbers of the data, in as few digits as tell them apart. */
export function plain(value: number): string {
  return String(Number(value.toPrecision(6)))
}

/** `2012-01-31 13:00`, in UTC. */
export function moment(time: number): string {
  return new Date(time).toISOString().slice(0, 16).replace('T', ' ')
}
