import { document } from '../../drift/report/document.js'
import { html, type Html } from '../../drift/report/html.js'
import { count, moment } from '../../drift/report/numbers.js'
import { section } from '../../drift/report/section.js'
import { STYLE } from '../../drift/report/style.js'
import { partitionName } from '../describe.js'
import { describeItems, isDone, ITEM_STATES, type ItemCounts } from '../items.js'
import type { BackfillPageFacts, PageItem } from './facts.js'
import { BACKFILL_STYLE } from './style.js'

/** As many as somebody reads; the list of items has them all. */
const MOST_FAILURES = 100
const ENDED = ['succeeded', 'skipped', 'failed', 'cancelled', 'blocked'] as const

/**
 * How far a backfill is, as one HTML file: no scripts, nothing to fetch, the same bytes for the same facts.
 * Every value from outside is escaped.
 */
export function backfillPage(facts: BackfillPageFacts): string {
  const { id, assets, status, counts, byAsset, items } = facts
  const failures = items.filter(({ state }) => state === 'failed' || state === 'cancelled')
  const title = `Backfill of ${assets.join(', ')}: ${status}`
  return document(
    title,
    [STYLE, BACKFILL_STYLE],
    html` <header>
        <p class="mute">Backfill <code>${id}</code> · asked by ${facts.principal}</p>
        <h1>Backfill of ${assets.join(', ')}</h1>
        ${verdict(facts)}
      </header>
      ${section('Progress', '', bar(counts), legend(counts))}
      ${section('By asset', 'In the order in which they are made.', assetTable(byAsset))}
      ${section(
        'Partitions',
        'Each square is one, in the order of the plan; those that failed or are blocked carry their key.',
        ...byAsset.map(({ asset }) => grid(asset, items)),
      )}
      ${section(
        'What did not end well',
        failures.length > MOST_FAILURES
          ? `The first ${MOST_FAILURES} of ${count(failures.length)}.`
          : 'A retry of the backfill goes on with these, and with what is blocked by them.',
        failures.length === 0 ? null : failureTable(failures.slice(0, MOST_FAILURES)),
      )}`,
  )
}

function verdict({ status, paused, counts, seconds, createdAt, error, workflow }: BackfillPageFacts): Html {
  const kind =
    status === 'succeeded' ? 'good' : status === 'running' || status === 'accepted' ? 'open' : 'bad'
  const total = totalOf(counts)
  const ended = ENDED.reduce((sum, state) => sum + counts[state], 0)
  const word = paused && !isDone(counts) ? 'paused' : status
  return html`<div class="verdict ${kind}">
    <strong>${word[0]!.toUpperCase()}${word.slice(1).replaceAll('_', ' ')}</strong>
    <div>${count(ended)} of ${count(total)} partitions have ended: ${describeItems(counts)}.</div>
    ${
      paused &&
      html`<div>Paused by ${paused.by}${paused.reason === null ? null : html`: ${paused.reason}`}.</div>`
    }
    ${error === null ? null : html`<div>${error}</div>`}
    <div class="mute">
      Asked for ${moment(createdAt)} UTC${seconds === null ? null : html`, ${duration(seconds)} so far`}.
    </div>
    ${workflow === null ? null : html`<div><a href="${workflow}">Its workflow in Temporal Web</a></div>`}
  </div>`
}

function totalOf(counts: ItemCounts): number {
  return ITEM_STATES.reduce((sum, state) => sum + counts[state], 0)
}

function bar(counts: ItemCounts): Html {
  const total = totalOf(counts)
  const order = [...ENDED, 'running', 'waiting'] as const
  return html`<div class="bar" role="img" aria-label="${describeItems(counts)}">
    ${order
      .filter(state => counts[state] > 0)
      .map(
        state =>
          html`<span class="${state}" style="width:${((100 * counts[state]) / total).toFixed(3)}%"></span>`,
      )}
  </div>`
}

function legend(counts: ItemCounts): Html {
  return html`<ul class="legend">
    ${ITEM_STATES.filter(state => counts[state] > 0).map(
      state => html`<li><span class="key ${state}"></span>${count(counts[state])} ${state}</li>`,
    )}
  </ul>`
}

function assetTable(byAsset: BackfillPageFacts['byAsset']): Html | null {
  if (byAsset.length === 0) return null
  return html`<div class="scroll">
    <table>
      <thead>
        <tr>
          <th>Asset</th>
          <th>Progress</th>
          <th>Partitions</th>
          <th class="number">Time of one</th>
        </tr>
      </thead>
      <tbody>
        ${byAsset.map(
          ({ asset, counts, seconds }) =>
            html`<tr>
              <td>${asset}</td>
              <td>${bar(counts)}</td>
              <td>${describeItems(counts)}</td>
              <td class="number">${seconds === null ? '' : duration(seconds)}</td>
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`
}

function grid(asset: string, items: readonly PageItem[]): Html {
  return html`<h3>${asset}</h3>
    <ol class="grid">
      ${items
        .filter(item => item.asset === asset)
        .map(({ partition, state }) => {
          const key = partition === '' ? 'whole' : partition
          const text = state === 'failed' || state === 'blocked' ? key : null
          return html`<li class="${state}" title="${key}: ${state}">${text}</li>`
        })}
    </ol>`
}

function failureTable(items: readonly PageItem[]): Html {
  return html`<div class="scroll">
    <table>
      <thead>
        <tr>
          <th>Partition</th>
          <th>State</th>
          <th>Why</th>
        </tr>
      </thead>
      <tbody>
        ${items.map(
          ({ asset, partition, state, error, note }) =>
            html`<tr>
              <td><code>${partitionName(asset, partition)}</code></td>
              <td class="tag bad-tag">${state}</td>
              <td>${error ?? note}</td>
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`
}

function duration(seconds: number): string {
  if (seconds < 60) return `${seconds.toFixed(1)} s`
  const minutes = Math.floor(seconds / 60)
  return minutes < 60
    ? `${minutes} min ${Math.floor(seconds % 60)} s`
    : `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}
