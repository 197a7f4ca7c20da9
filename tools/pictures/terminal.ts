/** Text for a terminal as a web page: the colours are those that the renderer itself asks for, and no other code is known. */

const COLOURS: Readonly<Record<string, string>> = {
  31: '#ff7b72',
  32: '#56d364',
  33: '#e3b341',
  90: '#8b949e',
}

const STYLE = `
body { margin: 0; padding: 18px 22px; background: #0d1117; width: max-content }
pre { margin: 0; font: 14px/1.42 "DejaVu Sans Mono", monospace; color: #d1d7e0; white-space: pre-wrap; overflow-wrap: anywhere }
b { color: #fff }
`

/** @param line the command as typed. @param columns of the window; longer lines go on in the next row, as there. */
export function terminalPage(line: string, text: string, columns: number): string {
  const shown = `<b>$ ${escaped(line)}</b>\n${coloured(text)}`
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>picture</title><style>${STYLE}pre { width: ${columns}ch }</style></head><body><pre>${shown}</pre></body></html>`
}

/** @throws for a code that the painter does not have. */
function coloured(text: string): string {
  const [first = '', ...rest] = text.split('\u001b[')
  const parts = rest.map(part => {
    const end = part.indexOf('m')
    return switched(part.slice(0, end)) + escaped(part.slice(end + 1))
  })
  return [escaped(first), ...parts].join('')
}

function switched(code: string): string {
  if (code === '0') return '</span>'
  const colour = COLOURS[code]
  if (colour === undefined) throw new Error(`There is no colour for code ${code}`)
  return `<span style="color:${colour}">`
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
