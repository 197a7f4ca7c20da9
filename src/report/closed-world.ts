import { printable } from '../core/text.ts'
import type { Finding, Outcome } from '../core/verdict.ts'
import { findingBranches, type Paint, painter, type TerminalOptions, treeLines, wrap } from './terminal-lines.ts'
import { shortDigest } from './text.ts'
import { padded } from './width.ts'

/** Everything that a build would take in, as its files say it, and the rule that decides about each (4-materials § 1). */
export interface ClosedWorld {
  /** The Dockerfile, as the caller named it. */
  readonly file: string
  readonly policy?: { readonly path: string; readonly digest: string }
  readonly manifest?: string
  /** `not-asked`: no policy, so nothing was compared with one. */
  readonly outcome: Outcome | 'not-asked'
  readonly pulls: readonly WorldEntry[]
  readonly items: readonly WorldItem[]
  /** What the commit of the checkout only points to; absent: nothing. */
  readonly content?: readonly WorldContent[]
  readonly lockFiles: readonly { readonly path: string; readonly manager: string }[]
  /** Lock files that are not listed. */
  readonly moreLockFiles: number
  /** YAML for the policy: a block to paste, or the rules that are missing. */
  readonly add: readonly string[]
}

/** One thing that the Dockerfile pulls in. */
export interface WorldEntry {
  /** `Dockerfile:3`; line 0 is an option of the build. */
  readonly line: number
  readonly how: string
  readonly written: string
  /** Canonical; absent when nobody can say it before the build. */
  readonly name?: string
  readonly platforms: readonly string[]
  /** False: only stages that the target does not need pull it. */
  readonly needed: boolean
  /** It stands behind ONBUILD: builds on the result pull it. */
  readonly later: boolean
  readonly digest?: { readonly value: string; readonly from: 'Dockerfile' | 'manifest' | 'registry' }
  readonly rule?: WorldRule
  readonly findings: readonly Finding[]
}

/** One material of the manifest. */
export interface WorldItem {
  readonly name: string
  /** `line:column` in the manifest. */
  readonly at: string
  readonly uri: string
  readonly use: string
  readonly digest: Readonly<Record<string, string>>
  /** How it is verified, in words. */
  readonly verify?: string
  readonly rule?: WorldRule
  readonly findings: readonly Finding[]
}

/** A submodule, or a file whose content Git LFS has. */
export interface WorldContent {
  readonly path: string
  readonly kind: 'submodule' | 'lfs'
  /** Canonical; absent where nobody says which repository it is, or the repository is the judged one. */
  readonly uri?: string
  /** A commit id, or `sha256:…`. */
  readonly digest: string
  /** What allows it, in words; absent: nothing does. */
  readonly allowed?: string
  readonly findings: readonly Finding[]
}

export interface WorldRule {
  /** `base-images[2]` */
  readonly at: string
  readonly text: string
}

const COLUMNS = 80
/** Lock files named; the rest is counted. */
const LOCK_FILES = 20
/** Submodules and large files named; the rest is counted. */
const CONTENT = 100

/** The closed world as a terminal shows it. */
export function renderClosedWorld(world: ClosedWorld, options: TerminalOptions): string {
  const columns = Math.max(60, options.columns ?? COLUMNS)
  const paint = painter(options)
  const lines = [
    ...headLines(world, columns),
    ...pullLines(world, paint, columns),
    ...itemLines(world, paint, columns),
    ...contentLines(world, paint, columns),
    ...lockLines(world, columns),
    ...(world.add.length === 0 ? [] : ['', ...addLines(world, columns)]),
  ]
  return `${lines.join('\n')}\n`
}

function headLines({ file, policy, manifest, pulls }: ClosedWorld, columns: number): readonly string[] {
  const needed = pulls.filter(({ needed, later }) => needed && !later).length
  const said = [
    `${printable(file)} pulls in ${needed === 0 ? 'nothing' : needed === 1 ? '1 thing' : `${needed} things`}.`,
    policy === undefined
      ? 'No policy: nothing is judged.'
      : `Policy: ${printable(policy.path)} (${policy.digest.slice(0, 19)}).`,
    manifest === undefined ? 'No materials manifest.' : `Manifest: ${printable(manifest)}.`,
    'These are the files as they lie here; a run judges those of the verified commit.',
  ]
  return wrap(said.join(' '), columns, '', '')
}

function pullLines({ file, pulls }: ClosedWorld, paint: Paint, columns: number): readonly string[] {
  if (pulls.length === 0) return []
  const how = Math.max(...pulls.map(entry => entry.how.length))
  const width = Math.max(4, ...pulls.map(entry => String(entry.line).length))
  const lines = pulls.flatMap(entry => {
    const indent = ' '.repeat(width + how + 4)
    const place = (entry.line === 0 ? 'args' : String(entry.line)).padStart(width)
    const name = printable(entry.name ?? entry.written, 500)
    return [
      `${place}  ${padded(entry.how, how)}  ${name}`,
      ...detailLines(entry).flatMap(text => wrap(text, columns, indent, `${indent}  `)),
      ...found(entry.findings, paint, indent, columns),
    ]
  })
  return ['', `${printable(file)}, line by line:`, ...lines]
}

function detailLines({ written, platforms, needed, later, digest, rule }: WorldEntry): readonly string[] {
  return [
    ...(written.includes('$') ? [`written ${printable(written, 300)}`] : []),
    ...(later ? ['behind ONBUILD: builds on the result pull it'] : needed ? [] : ['not needed by this target']),
    ...(platforms.length === 0 ? [] : [`for ${platforms.map(platform => printable(platform)).join(', ')}`]),
    ...(digest === undefined ? [] : [`${shortDigest(digest.value)} of the ${digest.from}`]),
    ...(rule === undefined ? [] : [`${rule.at} ${printable(rule.text, 300)}`]),
  ]
}

function itemLines({ manifest, items }: ClosedWorld, paint: Paint, columns: number): readonly string[] {
  if (manifest === undefined || items.length === 0) return []
  const lines = items.flatMap(({ name, uri, use, digest, verify, rule, findings }) => [
    `  ${printable(name)}: ${printable(uri, 500)}`,
    ...[
      `use: ${printable(use)}`,
      ...Object.entries(digest).map(([algorithm, hex]) => `${algorithm}: ${hex.slice(0, 12)}…`),
      ...(verify === undefined ? [] : [`verify: ${printable(verify, 300)}`]),
      ...(rule === undefined ? [] : [`${rule.at} ${printable(rule.text, 300)}`]),
    ].map(text => `    ${text}`),
    ...found(findings, paint, '    ', columns),
  ])
  return ['', `${printable(manifest)}:`, ...lines]
}

function contentLines({ content = [] }: ClosedWorld, paint: Paint, columns: number): readonly string[] {
  if (content.length === 0) return []
  const shown = content.slice(0, CONTENT)
  const lines = shown.flatMap(({ path, kind, uri, digest, allowed, findings }) => [
    `  ${printable(path, 300)}: ${kind === 'lfs' ? 'content of Git LFS' : 'submodule'}`,
    ...[
      ...(uri === undefined ? [] : [printable(uri, 500)]),
      shortDigest(digest),
      ...(allowed === undefined ? [] : [printable(allowed, 300)]),
    ].map(text => `    ${text}`),
    ...found(findings, paint, '    ', columns),
  ])
  const more = content.length - shown.length
  return ['', 'Submodules and Git LFS of the commit:', ...lines, ...(more === 0 ? [] : [`  … and ${more} more`])]
}

function found(findings: readonly Finding[], paint: Paint, indent: string, columns: number): readonly string[] {
  return treeLines(findingBranches(findings), columns - indent.length).map((line, at) => {
    const code = at === 0 ? findings[0]?.code : undefined
    return `${indent}${code === undefined ? line : line.replace(code, paint('rejected', code))}`
  })
}

function lockLines({ lockFiles, moreLockFiles }: ClosedWorld, columns: number): readonly string[] {
  if (lockFiles.length === 0) return []
  const shown = lockFiles.slice(0, LOCK_FILES)
  const more = lockFiles.length - shown.length + moreLockFiles
  return [
    '',
    ...wrap(
      'Not checked: what package managers fetch in RUN. Lock files found in the context, which nobody checks here:',
      columns,
      '',
      '',
    ),
    ...shown.map(({ path, manager }) => `  ${printable(path, 300)} (${manager})`),
    ...(more === 0 ? [] : [`  … and ${more} more`]),
  ]
}

function addLines({ policy, add }: ClosedWorld, columns: number): readonly string[] {
  const where =
    policy === undefined
      ? 'Rules to begin with, for .github/waybill.yml. They pin each digest, which waybill materials lock writes down; who signs an image says more, so put signers where you know them:'
      : `Rules to add to ${printable(policy.path)}, or better ones that say who signs:`
  return [...wrap(where, columns, '', ''), '', ...add.map(line => printable(line, 1_000))]
}
