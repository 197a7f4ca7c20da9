import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { parse } from 'yaml'
import { utf8 } from '../src/core/bytes.ts'
import { parsePolicy } from '../src/policy/parse.ts'

const ROOT = join(import.meta.dirname, '..')
const PAGES = [
  'README.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
  ...[...below('docs'), ...below('examples')].filter(path => path.endsWith('.md')),
]
const TESTS = below('__tests__').filter(path => path.endsWith('.test.ts'))

function below(folder: string): readonly string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' }).map(path => join(folder, path))
}

const read = (path: string) => readFileSync(join(ROOT, path), 'utf8')

test.each(PAGES)('every file that %s links to exists', page => {
  const links = [...read(page).matchAll(/\]\(([^)\s#]+)(?:#[^)]*)?\)/g)].map(([, link = '']) => link)
  const local = links.filter(link => !/^[a-z]+:/.test(link))
  expect(local.filter(link => !existsSync(join(ROOT, dirname(page), link)))).toEqual([])
})

/** The YAML examples of a page, without the indentation they share. */
function examples(page: string): readonly string[] {
  return [...read(page).matchAll(/^```yaml\n([\s\S]*?)^```$/gm)].map(([, text = '']) => {
    const indent = /^ */.exec(text)?.[0] ?? ''
    return text.replace(new RegExp(`^${indent}`, 'gm'), '')
  })
}

test('the policy of docs/start-here.md, with its deploy rule, is one that Waybill reads', () => {
  const [policy = ''] = examples('docs/start-here.md').filter(text => text.startsWith('version: 1'))
  const [deploy = ''] = examples('docs/start-here.md').filter(text => text.startsWith('deploy:'))
  const parsed = parsePolicy(utf8(policy + deploy), '.github/waybill.yml')
  expect([parsed.source.length, parsed.deploy.length]).toEqual([1, 1])
})

test('the policy of docs/reviews.md is one that Waybill reads, and asks for signed reviews', () => {
  const [policy = ''] = examples('docs/reviews.md')
  const [rule] = parsePolicy(utf8(policy), '.github/waybill.yml').source
  expect(rule?.review).toMatchObject({ approvals: 1, strength: 'signed-by-reviewer' })
})

test('the steps of README.md and docs/start-here.md set only inputs that exist', () => {
  const texts = [...examples('README.md'), ...examples('docs/start-here.md')]
  const steps = texts.flatMap(text => [
    ...text.matchAll(/(?:uses: OWNER\/waybill(\/[a-z]+)?@v1\s+)?^ *with:\n((?: +[a-z-]+:.*\n)+)/gm),
  ])
  expect(steps.length).toBeGreaterThan(2)
  for (const [, door = '', block = ''] of steps) {
    const action = parse(read(join(`.${door}`, 'action.yml'))) as { inputs: object }
    const names = [...block.matchAll(/^ +([a-z-]+):/gm)].map(([, name = '']) => name)
    expect(Object.keys(action.inputs)).toEqual(expect.arrayContaining(names))
  }
})

const RULE_COUNT = 44
const PAGE = 'docs/threat-model.md'

/** Rule number → files with a test whose name begins with it. */
function testsOfRules(): ReadonlyMap<number, readonly string[]> {
  const files = TESTS.map(path => ({ path, text: read(path) }))
  const numbers = Array.from({ length: RULE_COUNT }, (_, at) => at + 1)
  return new Map(
    numbers.map(number => {
      const name = new RegExp(`['"\`]13-adversary ${number}:`)
      return [number, files.filter(({ text }) => name.test(text)).map(({ path }) => path)]
    }),
  )
}

interface Row {
  readonly number: number
  readonly state: string
  readonly tests: string
}

function rows(): readonly Row[] {
  return read(PAGE)
    .split('\n')
    .filter(line => /^\| \d+ \|/.test(line))
    .map(line => {
      const [, number = '', , , state = '', tests = ''] = line.split('|').map(cell => cell.trim())
      return { number: Number(number), state, tests }
    })
}

test('the threat model has every rule once, in order, with a state of the closed list', () => {
  expect(rows().map(({ number }) => number)).toEqual(Array.from({ length: RULE_COUNT }, (_, at) => at + 1))
  for (const { state } of rows()) expect(['yes', 'partly', 'no']).toContain(state)
})

test('the threat model names exactly the test files that hold a test of the rule', () => {
  const found = testsOfRules()
  const cell = (number: number) =>
    (found.get(number) ?? [])
      .map(path => `[${path.replace('__tests__/', '').replace('.test.ts', '')}](${relative('docs', path)})`)
      .join(', ')
  if (process.env.UPDATE_GOLDEN === '1') {
    const text = read(PAGE).replace(
      /^(\| (\d+) \|.*\| (?:yes|partly|no) \|).*\|$/gm,
      (_, start: string, number: string) => `${start} ${cell(Number(number))} |`,
    )
    writeFileSync(join(ROOT, PAGE), text)
  }
  expect(rows().map(({ number, tests }) => [number, tests])).toEqual(rows().map(({ number }) => [number, cell(number)]))
})

test('every rule that is carried out has a test', () => {
  const found = testsOfRules()
  const bare = rows().filter(({ number, state }) => state !== 'no' && (found.get(number) ?? []).length === 0)
  expect(bare.map(({ number }) => number)).toEqual([])
})
