import { Html } from '../../drift/report/html.js'

/** What a backfill's page has beside the style of a drift report. */
export const BACKFILL_STYLE = new Html(`
:root { --running: #b26a00; --idle: #c9d0da; --skip: #7aa98c; --block: #8d6a9f; }
@media (prefers-color-scheme: dark) { :root { --running: #f0b35a; --idle: #45505d; --skip: #4f8063; --block: #b795c8; } }
.bar { display: flex; height: 1.1rem; min-width: 12rem; overflow: hidden; border-radius: 3px; background: var(--line); }
.bar span { display: block; height: 100%; }
.waiting { background: var(--idle); } .running { background: var(--running); } .succeeded { background: var(--good); }
.skipped { background: var(--skip); } .failed { background: var(--bad); } .cancelled { background: var(--mute); }
.blocked { background: var(--block); }
.legend { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; margin: .5rem 0 0; padding: 0; list-style: none; }
.key { display: inline-block; width: .7rem; height: .7rem; margin-right: .35rem; border-radius: 2px; vertical-align: -1px; }
.grid { display: flex; flex-wrap: wrap; gap: 3px; margin: .25rem 0 1rem; padding: 0; list-style: none; }
.grid li { width: 1rem; height: 1rem; border-radius: 2px; }
.grid li.failed, .grid li.blocked { width: auto; padding: 0 .35rem; color: var(--page); font: 11px/1rem ui-monospace, monospace; }
a { color: var(--window); }
code { font: 12px ui-monospace, monospace; }
td { overflow-wrap: anywhere; }
`)
