import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { makeClone } from '../fakes/clone.ts'
import type { Finished } from '../fakes/scenario.ts'

/** What a session can do to the world. */
export interface SessionWorld {
  /** Values of `$NAME`; one with spaces is several words. */
  readonly variables: Readonly<Record<string, string>>
  /** Fixtures that are no file, by name. */
  readonly fixtures: Readonly<Record<string, string>>
  /** Where `write` writes and the commands run. */
  readonly folder: string
  run(args: readonly string[]): Promise<Finished & { readonly stderr: string }>
}

type Answer = Awaited<ReturnType<SessionWorld['run']>>

/**
 * Runs one golden session of `__tests__/scripts` (its README has the language).
 * @throws with the line that does not hold, and what the last command answered.
 */
export async function runSession(file: string, world: SessionWorld): Promise<void> {
  let last: Answer | undefined
  for (const [at, line] of readFileSync(file, 'utf8').split('\n').entries()) {
    const words = wordsOf(line, world.variables)
    if (words.length === 0) continue
    const negated = words[0] === '!'
    const [verb = '', ...args] = negated ? words.slice(1) : words
    const wrong = (why: string) =>
      new Error(`${file}:${at + 1}: ${line}\n${why}\n${last === undefined ? '' : `exit ${last.code}\n${last.log}`}`)
    if (verb === 'waybill') {
      last = await world.run(args)
      if (negated === (last.code === 0)) throw wrong(negated ? 'It ended with 0.' : 'It did not end with 0.')
    } else if (verb === 'write') write(world, args)
    else if (verb === 'clone') makeClone(join(world.folder, args[0] ?? 'clone'))
    else if (verb === 'file') {
      const [path = '', pattern = ''] = args
      if (new RegExp(pattern).test(readFileSync(join(world.folder, path), 'utf8')) === negated)
        throw wrong('It does not hold.')
    } else if (last === undefined) throw wrong('There is no command before this line.')
    else if (!holds(verb, args[0] ?? '', last, join(dirname(file), args[0] ?? ''), wrong) !== negated)
      throw wrong('It does not hold.')
  }
}

function holds(verb: string, given: string, last: Answer, golden: string, wrong: (why: string) => Error): boolean {
  if (verb === 'exit') return last.code === Number(given)
  if (verb === 'stdout') return new RegExp(given).test(last.stdout)
  if (verb === 'stderr') return new RegExp(given).test(last.stderr)
  if (verb === 'stdout-json') return isResult(last.stdout, given)
  if (verb !== 'stdout-is') throw wrong(`There is no ${verb} in sessions.`)
  if (process.env.UPDATE_GOLDEN === '1') writeFileSync(golden, last.stdout)
  return last.stdout === readFileSync(golden, 'utf8')
}

/** One JSON document and nothing else, which names its command. */
function isResult(stdout: string, command: string): boolean {
  try {
    const value = JSON.parse(stdout) as { schemaVersion?: unknown; command?: unknown }
    return value.schemaVersion === 1 && value.command === command
  } catch {
    return false
  }
}

function write({ folder, fixtures, variables }: SessionWorld, [path = '', fixture = '']: readonly string[]): void {
  const text =
    fixtures[fixture] ?? readFileSync(join(import.meta.dirname, '..', 'scripts', 'fixtures', fixture), 'utf8')
  mkdirSync(dirname(join(folder, path)), { recursive: true })
  writeFileSync(join(folder, path), filled(text, variables))
}

/** Words of a line: between quotes as they are, else with variables filled in. */
function wordsOf(line: string, variables: SessionWorld['variables']): readonly string[] {
  if (/^\s*(#|$)/.test(line)) return []
  const parts = line.match(/'[^']*'|"[^"]*"|\S+/g) ?? []
  return parts.flatMap(part =>
    /^['"]/.test(part)
      ? [part.slice(1, -1)]
      : filled(part, variables)
          .split(' ')
          .filter(word => word !== ''),
  )
}

/** @throws for a variable nobody set: a typo must not become an empty word. */
function filled(text: string, variables: SessionWorld['variables']): string {
  return text.replace(/\$([A-Z]+)/g, (_, name: string) => {
    const value = variables[name]
    if (value === undefined) throw new Error(`There is no variable $${name}`)
    return value
  })
}
