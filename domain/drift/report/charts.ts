import type { Bin } from '../statistics/bins.js'
import { html, type Html } from './html.js'
import { percent } from './numbers.js'

const HEIGHT = 44
const BIN = 15

/** Shares of the bins, the reference's beside the window's. */
export function binBars(bins: readonly Bin[]): Html {
  const shown = bins.filter(({ reference, current }) => reference > 0 || current > 0)
  const sum = (side: 'reference' | 'current') => bins.reduce((total, bin) => total + bin[side], 0)
  const [references, currents] = [sum('reference'), sum('current')]
  const largest = Math.max(...shown.map(bin => Math.max(bin.reference / references, bin.current / currents)))
  return html`<svg
    class="bins"
    width="${shown.length * BIN}"
    height="${HEIGHT}"
    role="img"
    aria-label="shares by bin"
  >
    ${shown.map((bin, index) => {
      const [before, after] = [bin.reference / references, bin.current / currents]
      const title = `${bin.label}: ${percent(before)} of the reference, ${percent(after)} of the window`
      return html`<g>
        <title>${title}</title>
        ${bar(index * BIN, before / largest, 'reference')} ${bar(index * BIN + 6, after / largest, 'window')}
      </g> `
    })}
  </svg>`
}

/** How far a value without its sign is on the way to its threshold, which is the line. */
export function limitBar(observed: number, threshold: number): Html {
  const [width, value] = [180, Math.abs(observed)]
  const end = 1.25 * Math.max(value, threshold)
  const x = (part: number) => ((part / end) * width).toFixed(1)
  const kind = value > threshold ? 'bad' : 'good'
  return html`<svg width="${width}" height="16" role="img" aria-label="against the threshold">
    <rect class="${kind}" x="0" y="3" width="${x(value)}" height="10" rx="2" />
    <line class="edge" x1="${x(threshold)}" x2="${x(threshold)}" y1="0" y2="16" />
    <line class="limit" x1="${x(threshold)}" x2="${x(threshold)}" y1="0" y2="16" />
  </svg>`
}

/** A value to the right of the middle where it is positive, to the left where it is negative. */
export function signedBar(value: number, largest: number): Html {
  const [width, middle] = [180, 90]
  const length = largest === 0 ? 0 : (Math.abs(value) / largest) * (middle - 2)
  return html`<svg width="${width}" height="16" role="img" aria-label="to either side of 0">
    <rect
      class="window"
      x="${(value < 0 ? middle - length : middle).toFixed(1)}"
      y="3"
      width="${length.toFixed(1)}"
      height="10"
      rx="2"
    />
    <line class="zero" x1="${middle}" x2="${middle}" y1="0" y2="16" />
  </svg>`
}

function bar(x: number, share: number, kind: 'reference' | 'window'): Html {
  const height = Math.max(share * (HEIGHT - 2), share > 0 ? 1 : 0)
  return html`<rect
    class="${kind}"
    x="${x}"
    y="${(HEIGHT - height).toFixed(1)}"
    width="6"
    height="${height.toFixed(1)}"
  />`
}
