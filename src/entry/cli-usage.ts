import { COMMANDS } from './commands/table.ts'

/** What `waybill --help` prints: every command by its synopsis; `waybill COMMAND --help` tells the rest. */
export function usageText(): string {
  const lines = COMMANDS.flatMap(({ synopsis }) => synopsis.split('\n').map(line => `  waybill ${line}`))
  return `waybill – who wrote the commits, which workflow built the image, who may have signed it

${lines.join('\n')}
  waybill --version

Every command tells its options and an example with --help: waybill ${COMMANDS[0]?.words} --help
Every command knows --json (one object on stdout, nothing else) and --quiet; NO_COLOR turns colours off

Exit codes: 0 passed · 1 rejected · 2 could not be checked · 3 the command line or policy could not be understood
`
}
