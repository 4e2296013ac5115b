import { Html } from '../../drift/report/html.js'

/** What a profile's page has beside the style of a drift report. Of many columns, those out of sight are not laid out. */
export const PROFILE_STYLE = new Html(`
body { max-width: 76rem; }
dl.figures { display: flex; flex-wrap: wrap; gap: .5rem 2.5rem; margin: .5rem 0 0; }
dl.figures div { min-width: 6rem; }
dl.figures dt { color: var(--mute); }
dl.figures dd { margin: 0; font-size: 1.35rem; font-variant-numeric: tabular-nums; }
details.column { border-bottom: 1px solid var(--line); }
.many details.column { content-visibility: auto; contain-intrinsic-size: auto 4.25rem; }
details.column > summary { display: grid; grid-template-columns: minmax(9rem, 1.6fr) 7rem 10rem 8rem 166px; gap: 0 1rem;
  align-items: center; min-height: 3.75rem; padding: .25rem 0; cursor: pointer; list-style: none; }
details.column > summary::-webkit-details-marker { display: none; }
details.column > summary:hover { background: var(--open-page); }
details.column[open] > summary { font-weight: 600; }
.head { display: grid; grid-template-columns: minmax(9rem, 1.6fr) 7rem 10rem 8rem 166px; gap: 0 1rem; color: var(--mute);
  font-weight: 600; border-bottom: 1px solid var(--line); }
.name { overflow-wrap: anywhere; font-weight: 600; }
.inside { display: flex; align-items: flex-start; flex-wrap: wrap; gap: 1rem 2.5rem; padding: .25rem 0 1.25rem; }
.inside > * { flex: 1 1 18rem; min-width: 0; }
.inside > .wide { flex: 1 1 100%; }
.inside td, .inside th { padding: .15rem .5rem; }
.inside td.value { max-width: 18rem; overflow-wrap: anywhere; }
.badge { display: inline-block; margin: .1rem .3rem .1rem 0; padding: 0 .45rem; border: 1px solid currentColor; border-radius: 1rem;
  color: var(--bad); font-size: 12px; font-weight: 600; white-space: nowrap; }
.badge.good { color: var(--good); }
.badge.plain { color: var(--mute); }
ul.alerts { columns: 2 26rem; column-gap: 2rem; margin: 0; padding: 0; list-style: none; }
ul.alerts li { break-inside: avoid; padding: .1rem 0; }
a { color: var(--window); }
path.from { fill: var(--reference); }
path.to { fill: var(--window); }
.legend span { margin-right: 1rem; white-space: nowrap; }
.key { display: inline-block; width: .7rem; height: .7rem; margin-right: .35rem; border-radius: 2px; vertical-align: -1px; }
.key.from { background: var(--reference); }
.key.to { background: var(--window); }
table.matrix { width: auto; font-size: 12px; }
table.matrix td { padding: .2rem .35rem; text-align: right; border: 0; font-variant-numeric: tabular-nums; }
table.matrix th { border: 0; font-size: 12px; max-width: 12rem; overflow: hidden; text-overflow: ellipsis; }
table.matrix thead th { writing-mode: vertical-rl; max-height: 9rem; }
table.matrix td.positive { background: color-mix(in srgb, var(--window) var(--share), transparent); }
table.matrix td.negative { background: color-mix(in srgb, var(--bad) var(--share), transparent); }
@media (max-width: 60rem) { .head { display: none; } details.column > summary { grid-template-columns: 1fr 1fr; padding: .5rem 0; } }
`)
