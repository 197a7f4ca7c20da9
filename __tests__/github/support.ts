import { WaybillError } from '../../src/core/error.ts'

/** The error that `work` ends with; a test that expects a failure must not pass without one. */
export async function errorOf(work: Promise<unknown> | (() => unknown)): Promise<WaybillError> {
  try {
    await (typeof work === 'function' ? work() : work)
  } catch (error) {
    if (error instanceof WaybillError) return error
    throw error
  }
  throw new Error('expected an error, got none')
}

export interface Command {
  readonly name: string
  readonly properties: Readonly<Record<string, string>>
  readonly data: string
}

const unescapeData = (text: string): string =>
  text.replaceAll('%0D', '\r').replaceAll('%0A', '\n').replaceAll('%25', '%')
const unescapeProperty = (text: string): string => unescapeData(text.replaceAll('%3A', ':').replaceAll('%2C', ','))

/**
 * What the runner would obey of a log, written from its source (actions/runner at 079cdb1: ActionCommand.TryParseV2 and
 * TryParse, ActionCommandManager.TryProcessCommand): lines as .NET's StreamReader cuts them, white space as Char.IsWhiteSpace.
 */
export function obeyed(log: string): readonly Command[] {
  const commands: Command[] = []
  let stopped: string | undefined
  for (const line of log.split(/\r\n|\r|\n/)) {
    const command = parseV2(line) ?? parseV1(line)
    if (command === undefined) continue
    if (stopped !== undefined) {
      if (command.name === stopped) stopped = undefined
      continue
    }
    if (command.name === 'stop-commands') stopped = command.data
    commands.push(command)
  }
  return commands
}

function parseV2(line: string): Command | undefined {
  const text = line.replace(/^[\s\u0085\ufeff]+/, '')
  if (!text.startsWith('::')) return undefined
  const end = text.indexOf('::', 2)
  if (end < 0) return undefined
  return command(text.slice(2, end), ',', text.slice(end + 2))
}

function parseV1(line: string): Command | undefined {
  const start = line.indexOf('##[')
  const end = line.indexOf(']', start)
  return start < 0 || end < 0 ? undefined : command(line.slice(start + 3, end), ';', line.slice(end + 1))
}

function command(head: string, separator: string, data: string): Command {
  const [, name = '', rest = ''] = /^(\S*)\s*([\s\S]*)$/.exec(head) ?? []
  const properties = rest.split(separator).flatMap(pair => {
    const at = pair.indexOf('=')
    return at < 1 ? [] : [[pair.slice(0, at).trim(), unescapeProperty(pair.slice(at + 1))]]
  })
  return { name, properties: Object.fromEntries(properties), data: unescapeData(data) }
}
