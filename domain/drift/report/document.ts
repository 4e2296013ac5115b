import { html, type HtmlValue } from './html.js'

/** A whole page for a browser: nothing in it is fetched. */
export function document(title: string, styles: readonly HtmlValue[], body: HtmlValue): string {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${title}</title>
        <style>
          ${styles}
        </style>
      </head>
      <body>
        ${body}
      </body>
    </html> `.text
}
