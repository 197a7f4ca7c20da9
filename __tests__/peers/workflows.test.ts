import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join, relative } from 'node:path'
import { jest } from '@jest/globals'
import { parse } from 'yaml'
import { findPeers } from '../../tools/peers/install.ts'

/** Every workflow and action of this repository, and every workflow that it shows to others, read by actionlint and zizmor. */
jest.setTimeout(120_000)

const ROOT = join(import.meta.dirname, '..', '..')
/** What it says of `OWNER/waybill@v1` holds for what others are shown only. */
const SHOWN = join(ROOT, 'examples', 'zizmor.yml')
const peers = findPeers()
let folder = ''

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'waybill-workflows-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

function below(path: string): readonly string[] {
  if (!existsSync(join(ROOT, path))) return []
  return readdirSync(join(ROOT, path), { recursive: true, encoding: 'utf8' }).map(name => join(path, name))
}

const isWorkflow = (path: string): boolean => /(^|\/)\.github\/workflows\/[^/]+\.ya?ml$/.test(path)
const OWN = below('.github').filter(isWorkflow)
const ACTIONS = ['action.yml', ...readdirSync(ROOT).map(name => join(name, 'action.yml'))].filter(path =>
  existsSync(join(ROOT, path)),
)
const EXAMPLES = below('examples').filter(isWorkflow)
const PAGES = ['README.md', ...below('docs').filter(path => path.endsWith('.md'))]

/** The blocks of a page that are whole workflows, each as a file. */
function workflowsOf(page: string): readonly string[] {
  const blocks = [...readFileSync(join(ROOT, page), 'utf8').matchAll(/^```yaml[^\n]*\n([\s\S]*?)^```$/gm)]
  const whole = blocks.map(([, text = '']) => text).filter(text => /^on:/m.test(text) && /^jobs:/m.test(text))
  return whole.map((text, at) => {
    const path = join(folder, basename(page, '.md'), String(at), '.github', 'workflows', 'page.yml')
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, text)
    return path
  })
}

interface Finding {
  readonly file: string
  readonly says: string
}

function actionlint(paths: readonly string[]): readonly Finding[] {
  const config = `-config-file=${join(ROOT, '.github/actionlint.yaml')}`
  const args = [
    '-no-color',
    config,
    `-shellcheck=${peers.debian.shellcheck}`,
    '-pyflakes=',
    '-format',
    '{{json .}}',
    ...paths,
  ]
  const { status, stdout, stderr } = spawnSync(peers.go.actionlint, args, { cwd: ROOT, encoding: 'utf8' })
  if (status === null || status > 1) throw new Error(stderr)
  const found = JSON.parse(stdout) as readonly { filepath: string; line: number; message: string }[]
  return found.map(({ filepath, line, message }) => ({ file: `${filepath}:${line}`, says: message }))
}

/** Offline: what it could ask of GitHub (whether a commit belongs to a tag) it does not ask. */
function zizmor(paths: readonly string[], config: readonly string[]): readonly Finding[] {
  const args = ['--offline', '--quiet', '--strict-collection', '--format=json-v1', ...config, ...paths]
  const { stdout, stderr } = spawnSync(peers.python.zizmor, args, { cwd: ROOT, encoding: 'utf8' })
  if (!stdout.startsWith('[')) throw new Error(stderr)
  const found = JSON.parse(stdout) as readonly {
    ident: string
    desc: string
    ignored: boolean
    locations: readonly { symbolic: { key: object } }[]
  }[]
  return found
    .filter(({ ignored }) => !ignored)
    .map(({ ident, desc, locations }) => ({
      file: JSON.stringify(locations[0]?.symbolic.key),
      says: `${ident}: ${desc}`,
    }))
}

const strict = (paths: readonly string[]) => zizmor(paths, ['--no-config'])

test('there are workflows to read', () => {
  expect(OWN.map(path => basename(path))).toEqual(expect.arrayContaining(['ci.yml', 'release.yml']))
  expect(ACTIONS.length).toBeGreaterThan(3)
  expect(EXAMPLES.length).toBeGreaterThan(6)
  expect(PAGES.flatMap(workflowsOf).length).toBeGreaterThan(2)
})

test('actionlint and zizmor find nothing in the workflows of this repository', () => {
  expect([...actionlint(OWN), ...strict(OWN)]).toEqual([])
})

test('zizmor finds nothing in its actions', () => {
  expect(strict(ACTIONS)).toEqual([])
})

test('they find nothing in the examples', () => {
  expect([...actionlint(EXAMPLES), ...zizmor(EXAMPLES, ['--config', SHOWN])]).toEqual([])
})

test('they find nothing in the workflows that pages show', () => {
  const paths = PAGES.flatMap(workflowsOf)
  const named = (finding: Finding): Finding => ({ ...finding, file: relative(folder, finding.file) })
  expect([...actionlint(paths).map(named), ...zizmor(paths, ['--config', SHOWN])]).toEqual([])
})

test('every suppression says why, in the line where it stands', () => {
  for (const path of [...OWN, ...ACTIONS, ...EXAMPLES])
    for (const line of readFileSync(join(ROOT, path), 'utf8').split('\n'))
      if (line.includes('zizmor:'))
        expect([path, line]).toEqual([path, expect.stringMatching(/ignore\[[a-z-]+\] \S.{20}/)])
})

test('every action of somebody else is named by a whole commit, with its version beside it', () => {
  const used = OWN.flatMap(path =>
    [...readFileSync(join(ROOT, path), 'utf8').matchAll(/uses: (.*)$/gm)].map(([, use]) => use),
  )
  const foreign = used.filter(use => !/^(?:\.\/|\$\/)/.test(use ?? ''))
  expect(foreign.length).toBeGreaterThan(0)
  for (const use of foreign) expect(use).toMatch(/^[\w-]+\/[\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/)
})

test('the same action is the same commit everywhere', () => {
  const commits = new Map<string, Set<string>>()
  for (const path of OWN)
    for (const [, name = '', commit = ''] of readFileSync(join(ROOT, path), 'utf8').matchAll(
      /uses: ([\w/-]+)@([0-9a-f]{40})/g,
    ))
      commits.set(name, (commits.get(name) ?? new Set()).add(commit))
  expect([...commits].filter(([, { size }]) => size !== 1)).toEqual([])
})

test('no job has a permission that is not its own: the workflow gives none, and each has its reason', () => {
  for (const path of OWN) {
    const text = readFileSync(join(ROOT, path), 'utf8')
    const { permissions, jobs } = parse(text) as {
      permissions?: object
      jobs: Record<string, { permissions?: object }>
    }
    expect([path, permissions]).toEqual([path, {}])
    for (const [name, job] of Object.entries(jobs))
      expect([path, name, typeof job.permissions]).toEqual([path, name, 'object'])
    for (const line of text.match(/^ +[a-z-]+: (?:read|write)\b.*$/gm) ?? []) expect(line).toMatch(/# \S/)
  }
})

test('who is clean would not be if there were something: both find what is planted', () => {
  const path = join(folder, 'planted', '.github', 'workflows', 'planted.yml')
  mkdirSync(dirname(path), { recursive: true })
  const run = `run: echo \${{ github.event.issue.title }} $UNQUOTED`
  writeFileSync(
    path,
    `on: issues\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps:\n      - uses: actions/checkout@v6\n      - ${run}\n`,
  )
  const [lint, audit] = [actionlint([path]), strict([path])].map(found => found.map(({ says }) => says).join('\n'))
  expect(lint).toMatch(/untrusted/)
  expect(lint).toMatch(/shellcheck reported issue/)
  expect(audit).toMatch(/template-injection/)
  expect(audit).toMatch(/unpinned-uses/)
})
