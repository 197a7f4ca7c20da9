/** `docs/vectors.md` from the vectors. A test fails when the page is stale; `node tools/vectors-page.ts` writes it. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const VECTORS = join(import.meta.dirname, '..', '__tests__', 'vectors')

const HEAD = `# Every vector, its verdict and its code

Written by \`tools/vectors-page.ts\` from \`__tests__/vectors/\`; do not edit it by hand.

A vector is a folder: the bytes or the story, a line on what it is, and what must come out. The tests run all of them.
`

interface Row {
  readonly name: string
  readonly story: string
  readonly verdict: string
  readonly codes: readonly string[]
}

interface Outcome {
  readonly kind?: string
  readonly code?: string
}

export function vectorsPage(): string {
  const parts = [
    table(
      'Signatures of commits',
      'commit',
      'A kind of signature means that it is valid; whose it is, is for the policy.',
      signatureRow,
    ),
    table('Tags', 'tag', 'The tag object and its signature.', tagRow),
    table('Gate', 'gate', 'An image or file, what is attached to it, and the policy that judges.', caseRow),
    table('Histories', 'policy/fold', 'What the fold says at the head of each history, and of which codes.', storyRow),
    table('Dockerfiles', 'dockerfile', 'What a build pulls in, as BuildKit reads the file.', dockerfileRow),
    table('Kubernetes manifests', 'manifests', 'Whether all images that the file starts are known.', subjectRow),
    table('Compose applications', 'compose', 'Whether all images that the application starts are known.', subjectRow),
  ]
  return `${HEAD}\n${parts.join('\n')}`
}

function table(title: string, folder: string, about: string, row: (folder: string, name: string) => Row): string {
  const names = readdirSync(join(VECTORS, folder), { withFileTypes: true })
    .filter(entry => entry.isDirectory())
    .map(entry => entry.name)
    .sort()
  const lines = names.map(name => {
    const { story, verdict, codes } = row(join(folder, name), name)
    const code = codes.map(text => `\`${text}\``).join(' ')
    return `| ${name} | ${story.replaceAll('|', '\\|').replaceAll('<', '&lt;')} | ${verdict} | ${code} |`
  })
  return `## ${title}: ${names.length}\n\n${about}\n\n| vector | what it is | verdict | code |\n|---|---|---|---|\n${lines.join('\n')}\n`
}

function signatureRow(folder: string, name: string): Row {
  const { kind = '', code } = read<Outcome>(folder, 'expect.json')
  return { name, story: story(folder), verdict: kind, codes: code === undefined ? [] : [code] }
}

function tagRow(folder: string, name: string): Row {
  const expected = read<Outcome & { readonly refused?: Outcome; readonly signature?: Outcome }>(folder, 'expect.json')
  const { kind = 'rejected', code } = expected.signature ?? expected.refused ?? expected
  return { name, story: story(folder), verdict: kind, codes: code === undefined ? [] : [code] }
}

function storyRow(folder: string, name: string): Row {
  const { expect } = read<{
    readonly expect: {
      readonly outcome: string
      readonly codes?: Readonly<Record<string, readonly string[]>>
      readonly notes?: Readonly<Record<string, readonly string[]>>
    }
  }>(folder, 'story.json')
  const codes = [...new Set([...Object.values(expect.codes ?? {}), ...Object.values(expect.notes ?? {})].flat())]
  return { name, story: story(folder), verdict: expect.outcome, codes }
}

function caseRow(folder: string, name: string): Row {
  const { expect } = read<{ readonly expect: { readonly verdict: string; readonly codes?: readonly string[] } }>(
    folder,
    'case.json',
  )
  return { name, story: `${title(folder)}. ${story(folder)}`, verdict: expect.verdict, codes: expect.codes ?? [] }
}

function title(folder: string): string {
  return /^# (.*)\n/.exec(readFileSync(join(VECTORS, folder, 'README.md'), 'utf8'))?.[1] ?? ''
}

function subjectRow(folder: string, name: string): Row {
  const expected = read<Outcome & { readonly notes?: readonly string[] }>(folder, 'expect.json')
  const notes = (expected.notes ?? []).map(note => note.split(' ', 1)[0] ?? '')
  const codes = [...new Set([...(expected.code === undefined ? [] : [expected.code]), ...notes])]
  return { name, story: story(folder), verdict: expected.kind ?? 'rejected', codes }
}

function dockerfileRow(folder: string, name: string): Row {
  const { pulls, refused } = read<{
    readonly pulls?: readonly { readonly needed: boolean; readonly later?: true }[]
    readonly refused?: string
  }>(folder, 'expected.json')
  const needed = pulls?.filter(pull => pull.needed && pull.later === undefined).length
  const verdict = needed === undefined ? 'rejected' : `${needed} pulled`
  return { name, story: story(folder), verdict, codes: refused === undefined ? [] : [refused] }
}

/** The README's text without its title. */
function story(folder: string): string {
  const text = readFileSync(join(VECTORS, folder, 'README.md'), 'utf8')
  return (
    text
      .replace(/^# .*\n/, '')
      .trim()
      .split(/\n\n/, 1)[0]
      ?.replaceAll('\n', ' ') ?? ''
  )
}

function read<T>(folder: string, file: string): T {
  return JSON.parse(readFileSync(join(VECTORS, folder, file), 'utf8')) as T
}

if (import.meta.main) writeFileSync(join(import.meta.dirname, '..', 'docs', 'vectors.md'), vectorsPage())
