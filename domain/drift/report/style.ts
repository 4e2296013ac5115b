import { Html } from './html.js'

/** Colours that are told apart without their hue as well, on white and on black. */
export const STYLE = new Html(`
:root { color-scheme: light dark; --text: #1c2430; --mute: #5c6777; --line: #dde2e9; --page: #fff;
  --bad: #b3261e; --bad-page: #fdeceb; --good: #1b6e3c; --good-page: #e9f6ee; --open-page: #eef1f5;
  --reference: #a9b4c2; --window: #2563c9; }
@media (prefers-color-scheme: dark) { :root { --text: #e6eaf0; --mute: #9aa6b5; --line: #333c48; --page: #14181e;
  --bad: #ff8a80; --bad-page: #3a1a18; --good: #7fd6a0; --good-page: #14301f; --open-page: #222a34;
  --reference: #66727f; --window: #6ea3ff; } }
body { margin: 0 auto; padding: 1.5rem 1.5rem 3rem; max-width: 70rem; color: var(--text); background: var(--page);
  font: 14px/1.5 system-ui, sans-serif; }
h1 { margin: 0 0 .75rem; font-size: 1.7rem; }
h2 { margin: 0 0 .25rem; font-size: 1.15rem; }
h3 { margin: 1rem 0 .25rem; font-size: 1rem; }
p { margin: 0 0 .5rem; }
section { margin-top: 2rem; }
.mute { color: var(--mute); }
.verdict { padding: .75rem 1rem; border-left: 4px solid var(--mute); border-radius: 4px; background: var(--open-page); }
.verdict strong { font-size: 1.1rem; }
.verdict.bad { border-color: var(--bad); background: var(--bad-page); }
.verdict.good { border-color: var(--good); background: var(--good-page); }
.scroll { overflow-x: auto; margin-bottom: .75rem; }
table { border-collapse: collapse; width: 100%; }
th, td { padding: .35rem .6rem; text-align: left; vertical-align: middle; border-bottom: 1px solid var(--line); }
th { color: var(--mute); font-weight: 600; white-space: nowrap; }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.tag { white-space: nowrap; font-weight: 600; }
.bad-tag { color: var(--bad); }
.good-tag { color: var(--good); }
svg { display: inline-block; vertical-align: middle; }
rect.reference { fill: var(--reference); }
rect.window { fill: var(--window); }
rect.bad { fill: var(--bad); }
rect.good { fill: var(--good); }
.test { white-space: nowrap; }
line.edge { stroke: var(--page); stroke-width: 6; }
line.limit { stroke: var(--text); stroke-width: 2; stroke-dasharray: 3 2; }
line.zero { stroke: var(--mute); stroke-width: 1; }
`)
