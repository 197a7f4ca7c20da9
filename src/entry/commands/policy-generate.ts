import { resolve } from 'node:path'
import { type AdmissionEngine, generatedLine } from '../../admission/document.ts'
import type { AdmissionFile } from '../../admission/link.ts'
import { fail } from '../../core/error.ts'
import { maybe } from '../../core/maybe.ts'
import { shellQuote } from '../../report/text.ts'
import { compareFolder, type Difference, writeFolder } from '../generated-files.ts'
import { tufCacheOf } from '../tuf-cache.ts'
import { type CommandLine, command, type Desk, noMore, usage } from './command.ts'
import { usable, workingLaw } from './policy-check.ts'

export interface PolicyGenerate {
  /** Absent: the policy of the clone. */
  readonly file?: string
  /** As deploy summaries name it; absent: it has no name that others share. */
  readonly uri?: string
  readonly engine: AdmissionEngine
  readonly namespaces: readonly string[]
  readonly out?: string
  readonly check: boolean
  readonly json: boolean
}

const ENGINES: readonly AdmissionEngine[] = ['policy-controller', 'kyverno']
const OPTIONS = {
  policy: { type: 'string' },
  'policy-uri': { type: 'string' },
  for: { type: 'string' },
  namespace: { type: 'string', multiple: true },
  out: { type: 'string' },
  check: { type: 'boolean' },
} as const

export const policyGenerateCommand = command({
  words: 'policy generate',
  synopsis: 'policy generate [--for ENGINE] [--out DIR] [--check]',
  usage: `waybill policy generate – what the deploy rules mean, as policies for a cluster

  waybill policy generate [--policy FILE] [--for policy-controller|kyverno] [--out DIR [--check]]

  --policy FILE                       the policy (default: .github/waybill.yml of the present folder)
  --policy-uri URI                    what deploy summaries call it, git+https://…#…; needed where a deployer has no policy
                                      of his own in the rule (default: its digest is compared)
  --for ENGINE                        policy-controller (default) or kyverno
  --namespace NAME                    a namespace in which images are checked; may be repeated
  --out DIR                           write files there instead of to stdout; of what lies there only generated files are
                                      replaced or removed
  --check                             with --out: write nothing, say whether the files are what they should be
  --json                              the files as JSON on stdout

Nothing is applied. What an engine cannot check is refused, never left out: docs/admission.md says what that is.

Exit codes: 0 written, or as they should be · 1 with --check: they are not · 3 the policy cannot be used, or not be expressed

Example:
  waybill policy generate --out admission && kubectl apply -f admission
`,
  options: OPTIONS,
  read: readPolicyGenerate,
  run: runPolicyGenerate,
})

/** @throws `entry/usage` */
function readPolicyGenerate({
  values,
  references,
}: CommandLine<typeof OPTIONS & { json: { type: 'boolean' } }>): PolicyGenerate {
  noMore(references, 'policy generate')
  const { policy, out, check = false, json = false, namespace: namespaces = [] } = values
  const uri = values['policy-uri']
  const engine = ENGINES.find(name => name === (values.for ?? 'policy-controller'))
  if (engine === undefined) throw usage('There is no such engine', ENGINES.join(' or '), values.for)
  if (check && out === undefined) throw usage('--check compares a folder', '--out DIR --check', 'no --out')
  if (uri !== undefined && !/^git\+https?:\/\/[^\s#*]+#[^\s#*]+$/.test(uri))
    throw usage('--policy-uri is no policy', 'git+https://github.com/OWNER/REPOSITORY#.github/waybill.yml', uri)
  const wrong = namespaces.find(name => !/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/.test(name))
  if (wrong !== undefined) throw usage('--namespace is no name of a namespace', 'production', wrong)
  return { ...maybe('file', policy), ...maybe('uri', uri), engine, namespaces, ...maybe('out', out), check, json }
}

async function runPolicyGenerate(wish: PolicyGenerate, desk: Desk): Promise<number> {
  const { world } = desk
  const { law, path } = await usable(workingLaw({ ...maybe('file', wish.file), repo: '.' }, world.workingFolder))
  const policy = { uri: wish.uri ?? `file:${path}`, digest: law.policyDigest }
  const { admissionFiles } = await import('../admission-files.ts')
  const { files, notes } = await admissionFiles({
    engine: wish.engine,
    law,
    policy,
    command: commandLine(wish),
    namespaces: wish.namespaces,
    cache: tufCacheOf(desk.env, world.workingFolder),
  })
  if (wish.out !== undefined) await place(wish, resolve(world.workingFolder, wish.out), files, world.err)
  if (wish.json) {
    const data = { engine: wish.engine, policy, notes, files }
    world.out(`${JSON.stringify({ schemaVersion: 1, command: 'policy generate', data }, null, 2)}\n`)
  } else if (wish.out === undefined) world.out(files.map(({ text }) => text).join('---\n'))
  return 0
}

async function place(
  wish: PolicyGenerate,
  folder: string,
  files: readonly AdmissionFile[],
  say: (text: string) => void,
): Promise<void> {
  const difference = await compareFolder(folder, files, `# ${generatedLine(wish.engine)}`)
  if (wish.check) return refuseStale(wish, difference)
  await writeFolder(folder, files, difference)
  const removed =
    difference.left.length === 0 ? '' : `, ${difference.left.length} removed: ${difference.left.join(', ')}`
  say(`${files.length} files in ${wish.out}${removed}\n`)
}

/** @throws `policy/generated-stale` */
function refuseStale(wish: PolicyGenerate, { missing, stale, foreign, left }: Difference): void {
  const words = (what: string, names: readonly string[]) => (names.length === 0 ? [] : [`${what}: ${names.join(', ')}`])
  const found = [
    ...words('with other bytes', stale),
    ...words('missing', missing),
    ...words('not generated', foreign),
    ...words('left from before', left),
  ]
  if (found.length === 0) return
  throw fail('policy/generated-stale', `The admission policies in ${wish.out} are not those of the policy`, {
    expected: 'what the policy means now',
    found: found.join('; '),
    remedy: `Write them again and have the difference reviewed: ${commandLine({ ...wish, check: false })}`,
  })
}

/** The command that writes the same again: nothing in it depends on the day or the machine. */
function commandLine({ file, uri, engine, namespaces, out }: PolicyGenerate): string {
  const option = (name: string, value: string | undefined) => (value === undefined ? [] : [name, word(value)])
  return [
    'waybill policy generate',
    ...option('--policy', file),
    ...option('--policy-uri', uri),
    ...option('--for', engine),
    ...namespaces.flatMap(name => option('--namespace', name)),
    ...option('--out', out),
  ].join(' ')
}

function word(value: string): string {
  return /^[A-Za-z0-9._/-]+$/.test(value) ? value : (shellQuote(value) ?? 'VALUE')
}
