import { Html } from '../../drift/report/html.js'

/** What an incident's page has beside the style of a drift report. */
export const INCIDENT_STYLE = new Html(`
ol.steps { display: flex; flex-wrap: wrap; gap: .25rem 0; margin: .75rem 0 0; padding: 0; list-style: none; }
ol.steps li { padding: .1rem .7rem; color: var(--mute); border-bottom: 3px solid var(--line); }
ol.steps li.past { color: var(--text); border-color: var(--window); }
ol.steps li.now { color: var(--text); font-weight: 700; border-color: var(--text); }
ol.story { margin: 0; padding: 0 0 0 1.25rem; list-style: none; border-left: 2px solid var(--line); }
ol.story li { position: relative; margin: 0 0 .9rem; }
ol.story li::before { content: ""; position: absolute; left: -1.6rem; top: .4rem; width: .6rem; height: .6rem;
  border-radius: 50%; background: var(--window); }
ol.story li.bad::before { background: var(--bad); }
ol.story li.good::before { background: var(--good); }
details { margin-top: .15rem; }
summary { cursor: pointer; color: var(--mute); }
pre { margin: .25rem 0 0; padding: .5rem .75rem; overflow-x: auto; border-radius: 4px; background: var(--open-page);
  font: 12px/1.45 ui-monospace, monospace; }
a { color: var(--window); }
code { font: 12px ui-monospace, monospace; }
.weights { display: flex; width: 16rem; height: 1rem; overflow: hidden; border-radius: 3px; background: var(--line); }
.weights span { display: block; height: 100%; }
td.number + td { white-space: nowrap; }
.before { background: var(--reference); }
.retrained { background: var(--window); }
.tags span { margin-right: .75rem; white-space: nowrap; }
.key { display: inline-block; width: .7rem; height: .7rem; border-radius: 2px; vertical-align: -1px; }
`)
