import { usage } from './commands/command.ts'

export type OutputFormat = 'text' | 'json' | 'sarif'

/** `--format`, or what `--json` says in its place. @throws `entry/usage` */
export function formatOf(values: { readonly json?: boolean; readonly format?: string }): OutputFormat {
  const { json = false, format } = values
  const given = oneOf('format', format, ['text', 'json', 'sarif'])
  if (json && given !== undefined && given !== 'json')
    throw usage('--json and --format name two formats', 'one of them', `--json and --format ${given}`)
  return json ? 'json' : (given ?? 'text')
}

/** An option with a closed list of values. @throws `entry/usage` */
export function oneOf<const T extends string>(
  name: string,
  value: string | undefined,
  of: readonly T[],
): T | undefined {
  const found = of.find(item => item === value)
  if (value !== undefined && found === undefined) throw usage(`--${name} cannot be ${value}`, of.join(', '), value)
  return found
}
