import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { cli } from '../../src/entry/cli.ts'
import { COMMANDS, readCall } from '../../src/entry/commands/table.ts'
import type { Door } from '../../src/io/door.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'waybill-every-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

interface Ended {
  readonly code: number
  readonly out: string
  readonly err: string
}

/** The command line in an empty folder, in an environment that holds a PATH alone. */
async function run(args: readonly string[], change: Partial<Door> = {}): Promise<Ended> {
  let [out, err] = ['', '']
  const world: Door = {
    args,
    script: '/waybill/dist/cli.js',
    workingFolder: folder,
    isTerminal: false,
    columns: 80,
    out: bytes => {
      out += bytes.toString()
    },
    err: text => {
      err += text
    },
    exit: () => {},
    ...change,
  }
  const code = await cli(world, { PATH: process.env.PATH, HOME: folder })
  return { code, out, err }
}

const wordsOf = (words: string) => words.split(' ')

/** Words of the example as a shell would give them; quotes and continued lines are all that examples use of one. */
function exampleOf(usage: string): readonly (readonly string[])[] {
  const [, text = ''] = /\nExample:\n([\s\S]+)$/.exec(usage) ?? []
  const line = text.replaceAll('\\\n', ' ').trim()
  return line
    .split(/\s(?:&&|\|)\s/)
    .map(part => (part.match(/'[^']*'|\S+/g) ?? []).map(word => word.replaceAll("'", '')))
}

describe.each(COMMANDS)('waybill $words', ({ words, usage, synopsis }) => {
  test('its help has one example, which is a command line of it', () => {
    expect(usage.match(/^Examples?:$/gm)).toHaveLength(1)
    const [example] = exampleOf(usage).filter(([program]) => program === 'waybill')
    expect(example?.slice(1, 1 + wordsOf(words).length)).toEqual(wordsOf(words))
    expect(readCall(example?.slice(1) ?? [])).toMatchObject({ kind: 'run', command: { words } })
  })

  test('its help names --json and --quiet, and fits a page', () => {
    expect(usage).toMatch(/^ {2}--json {2,}\S/m)
    expect(usage).toMatch(/^ {2}--quiet {2,}\S/m)
    expect(usage.startsWith(`waybill ${words} – `)).toBe(true)
    expect(synopsis.startsWith(words)).toBe(true)
    for (const line of usage.split('\n')) expect([...line].length).toBeLessThanOrEqual(130)
  })

  test.each([[[]], [['--frobnicate']], [['--quiet']]])(
    'with --json and %j it prints one object and nothing else',
    async more => {
      const { code, out, err } = await run([...wordsOf(words), '--json', ...more])
      expect(err).toBe('')
      const result = JSON.parse(out)
      expect(result).toMatchObject({ schemaVersion: 1, command: words })
      // Whoever judges nothing has data; whoever judges, and whatever failed, a verdict.
      expect('data' in result).not.toBe('verdict' in result)
      if (code !== 0) expect([1, 2, 3]).toContain(code)
    },
  )

  test('it knows --quiet, which hides no mistake', async () => {
    const { code, out, err } = await run([...wordsOf(words), '--frobnicate', '--quiet'])
    expect([code, out]).toEqual([3, ''])
    expect(err).toMatch(/^entry\/usage: .*Unknown option\s+'--frobnicate'\.\n/)
    expect(err).toContain(`→ See: waybill ${words} --help\n`)
  })

  test('an error keeps code, what was expected and a remedy, in 20 columns and in 300', async () => {
    for (const columns of [20, 300]) {
      const { err } = await run([...wordsOf(words), '--frobnicate'], { talk: { isTerminal: true, columns } })
      expect(err).toContain('entry/usage:')
      expect(err).toContain('  expected: ')
      expect(err).toContain('→ ')
    }
  })

  test.each(['\u202e\u200b', '\u001b[2J\u001b]0;x\u0007', 'x'.repeat(70_000), '世'.repeat(30_000)])(
    'a word that is hostile (case %#) reaches no terminal as it is',
    async text => {
      for (const args of [[text, text, text], [`--${text}`], ['--policy', text], ['--out', text, text]]) {
        const { err, out } = await run([...wordsOf(words), ...args])
        expect(`${err}${out}`).toMatch(/^[^\p{Cc}\p{Cf}\n]*(\n[^\p{Cc}\p{Cf}\n]*)*$/u)
        expect(`${err}${out}`.length).toBeLessThan(20_000)
      }
    },
  )
})

test('help and version are data, exit code 0, with nothing beside them', async () => {
  for (const args of [['--help'], [], ['--version'], ...COMMANDS.map(({ words }) => [...wordsOf(words), '--help'])]) {
    const { code, out, err } = await run(args)
    expect([code, err]).toEqual([0, ''])
    expect(out.length).toBeGreaterThan(4)
  }
})

test('a full disk behind standard output is told, and is never a yes', async () => {
  const out = () => {
    throw Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' })
  }
  for (const args of [['--help'], ['quarantine', 'list'], ['quarantine', 'list', '--json']]) {
    const { code } = await run(args, { out })
    expect(code).toBe(2)
  }
})
