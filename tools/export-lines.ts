/** `export NAME='value'` lines for `sh`, sorted. */
export function exportLines(variables: Readonly<Record<string, string>>): string {
  const lines = Object.entries(variables).map(([name, value]) => `export ${name}=${quote(value)}`)
  return `${lines.sort().join('\n')}\n`
}

/** One word for `sh`, whatever it holds. */
function quote(value: string): string {
  return `'${value.replaceAll("'", `'\\''`)}'`
}
