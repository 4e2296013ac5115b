import { html, type Html } from '../../drift/report/html.js'
import { count, percent, plain } from '../../drift/report/numbers.js'
import { edgeOf, type Grid, type Histogram } from '../histogram.js'
import type { ColumnKind } from '../profile.js'

const [WIDTH, HEIGHT] = [160, 40]

/** A histogram in the line of its column. */
export function sparkline(histogram: Histogram, kind: ColumnKind): Html {
  const { counts } = histogram
  const label = `histogram of ${unitOf(kind)}: ${rangeOf({ ...histogram, bins: counts.length }, kind)}`
  return picture(WIDTH, HEIGHT, label, [bars(counts, WIDTH, HEIGHT, 'to')])
}

/** Large, with the rows of each bin under the pointer. */
export function chart(histogram: Histogram, kind: ColumnKind): Html {
  const { counts } = histogram
  const [width, height] = [640, 120]
  const [most, rows] = [Math.max(...counts), counts.reduce((sum, one) => sum + one, 0)]
  const step = width / counts.length
  const grid = { ...histogram, bins: counts.length }
  const rects = counts.map((one, i) => {
    const tall = most === 0 ? 0 : Math.max(one > 0 ? 1 : 0, (one / most) * height)
    const range = `${labelOf(edgeOf(grid, i), kind)} to ${labelOf(edgeOf(grid, i + 1), kind)}`
    return html`<g>
      <title>${range}: ${count(one)} rows, ${percent(rows === 0 ? 0 : one / rows)}</title>
      <rect
        class="window"
        x="${round(i * step)}"
        y="${round(height - tall)}"
        width="${round(Math.max(step - 1, 0.5))}"
        height="${round(tall)}"
      />
      <rect x="${round(i * step)}" y="0" width="${round(step)}" height="${height}" fill-opacity="0" />
    </g>`
  })
  return html`<figure class="wide" style="margin:0">
    ${picture(width, height, `histogram of ${unitOf(kind)}: ${rangeOf(grid, kind)}`, rects)}
    <figcaption class="mute">${unitOf(kind)}, ${rangeOf(grid, kind)} in ${counts.length} bins</figcaption>
  </figure>`
}

/** Shares of two versions, one before the other. */
export function pairChart(from: readonly number[], to: readonly number[], label: string): Html {
  const shares = (counts: readonly number[]): number[] => {
    const rows = counts.reduce((sum, one) => sum + one, 0)
    return counts.map(one => (rows === 0 ? 0 : one / rows))
  }
  const [before, after] = [shares(from), shares(to)]
  const most = Math.max(...before, ...after)
  const parts = [
    bars(before, WIDTH, HEIGHT, 'from', { most, at: 0, part: 0.5 }),
    bars(after, WIDTH, HEIGHT, 'to', { most, at: 0.5, part: 0.5 }),
  ]
  return picture(WIDTH, HEIGHT, label, parts)
}

function picture(width: number, height: number, label: string, parts: readonly Html[]): Html {
  return html`<svg
    viewBox="0 0 ${width} ${height}"
    width="${width}"
    height="${height}"
    style="max-width:100%"
    role="img"
    aria-label="${label}"
  >
    <title>${label}</title>
    ${parts}
    <line class="zero" x1="0" x2="${width}" y1="${height}" y2="${height}" />
  </svg>`
}

interface Place {
  readonly most: number
  /** Where in its bin a bar begins, and how much of it it takes: 0 to 1. */
  readonly at: number
  readonly part: number
}

/** One path for all bars: a page of thousands of columns stays small. */
function bars(
  values: readonly number[],
  width: number,
  height: number,
  series: 'from' | 'to',
  { most, at, part }: Place = { most: Math.max(...values), at: 0, part: 1 },
): Html {
  const step = width / values.length
  const gap = part < 1 ? 0 : Math.min(1, step / 5)
  const drawn = values.map((value, i) => {
    if (value === 0 || most === 0) return ''
    const tall = Math.max(1, (value / most) * height)
    const wide = round(Math.max(step * part - gap, 0.4))
    return `M${round((i + at) * step)} ${height}v${round(-tall)}h${wide}v${round(tall)}z`
  })
  return html`<path class="${series}" d="${drawn.join('')}" />`
}

export function rangeOf(grid: Grid, kind: ColumnKind): string {
  return `${labelOf(edgeOf(grid, 0), kind)} to ${labelOf(edgeOf(grid, grid.bins), kind)}`
}

function labelOf(value: number, kind: ColumnKind): string {
  if (kind !== 'date' && kind !== 'timestamp') return plain(value)
  const time = new Date(value * (kind === 'date' ? 86_400_000 : 1000))
  if (Number.isNaN(time.getTime())) return plain(value)
  return kind === 'date'
    ? time.toISOString().slice(0, -14)
    : time.toISOString().slice(0, 19).replace('T', ' ')
}

export function unitOf(kind: ColumnKind): string {
  return kind === 'string' ? 'lengths' : kind === 'date' || kind === 'timestamp' ? 'times' : 'values'
}

const round = (value: number): string => String(Math.round(value * 10) / 10)
