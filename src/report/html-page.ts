import { createHash } from 'node:crypto'
import { Html, html, type Value } from './html.ts'
import { STYLE } from './html-style.ts'

/** Made of constants alone: nothing from outside can stand in a style. */
const STYLE_ELEMENT = Html.join([`<style>${STYLE}</style>`], [])
const STYLE_HASH = createHash('sha256').update(STYLE).digest('base64')

/**
 * Nothing is loaded, run, embedded or sent; one style, by its hash. A page is opened from a disk, where no server could say so.
 * Content Security Policy Level 3
 */
const SECURITY = `default-src 'none'; style-src 'sha256-${STYLE_HASH}'; base-uri 'none'; form-action 'none'`

/** One page that needs nothing but itself. @param title from outside, too; escaped. */
export function page(title: string, header: Value, main: Value): string {
  const made = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${SECURITY_ATTRIBUTE}">
<meta name="viewport" content="width=device-width,initial-scale=1">
<meta name="referrer" content="no-referrer">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
${STYLE_ELEMENT}
</head>
<body>
<a class="skip" href="#main">Skip to the content</a>
<header>${header}</header>
<main id="main" tabindex="-1">${main}</main>
<footer><p>This page is a copy of what a program found at one moment; it proves nothing by itself. Everything in it can be checked again with <code>waybill inspect</code> and <code>waybill verify image</code>.</p></footer>
</body>
</html>
`
  return made.markup
}

/** A constant; its quotes are single ones, which end no attribute here. */
const SECURITY_ATTRIBUTE = Html.join([SECURITY], [])
