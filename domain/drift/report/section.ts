import { html, type Html } from './html.js'

/** A part of a page under its heading; nothing where it has no content. */
export function section(title: string, note: string, ...parts: (Html | null)[]): Html | null {
  const shown = parts.filter(part => part !== null)
  if (shown.length === 0) return null
  return html`<section>
    <h2>${title}</h2>
    ${note === '' ? null : html`<p class="mute">${note}</p>`} ${shown}
  </section>`
}
