import type { CommitId, Digest } from '../core/digest.ts'
import { sha256 } from '../core/digest.ts'
import { fail, WaybillError } from '../core/error.ts'
import type { LawFile, LawFiles } from '../core/facts.ts'
import { LIMITS } from '../core/limits.ts'
import { printable } from '../core/text.ts'
import type { ExpectedSigner } from './expected.ts'
import { keyFingerprint } from './key-file.ts'
import type { BaseImageRule } from './material-rules.ts'
import { parsePolicy } from './parse.ts'
import type { ReadFile } from './paths.ts'
import type { AllowRule, NamedFile, Policy } from './policy.ts'
import { bindRoots } from './x509-roots.ts'

/**
 * The law of a commit (3-source § 4): what decides who may commit and what the workflows do.
 *
 *     .github/waybill.yml      the policy, and every file it names
 *     .github/workflows/**     what runs with the right to sign
 *     .github/actions/**       what those workflows call
 *     .github/CODEOWNERS       who must review
 *
 * Everything else below `.github`, an issue template for instance, is not law.
 */
export interface Law {
  /** Id of the `.github` tree; the same id means the same law without looking further. */
  readonly tree?: CommitId
  readonly policyPath: string
  readonly policyDigest: Digest
  /** Bound: every `key` signer has its fingerprint, every `x509` signer those of its roots. */
  readonly policy: Policy
  /** OpenPGP key files for the keyring, in the order of the policy, then the keys that stand in snapshots. */
  readonly keyFiles: readonly { readonly path: string; readonly bytes: Uint8Array }[]
  /** PEM files with root certificates, for building chains, in the order of the policy. */
  readonly x509Roots: readonly { readonly path: string; readonly bytes: Uint8Array }[]
  /** Bytes of every file the policy names: key files, public keys, trust roots. */
  readonly files: ReadonlyMap<string, Uint8Array>
  /** Path → blob id of everything that is law. Empty for a constant law. */
  readonly parts: ReadonlyMap<string, CommitId>
  /** Workflows and actions with their bytes, so that a change of them can be told line by line. Empty for a constant law. */
  readonly workflows: readonly LawFile[]
  /** A policy from outside the repository: no commit of the history can change it. */
  readonly constant: boolean
  /** Of a policy of another repository: its name with server and ref, and the commit it was read from. */
  readonly origin?: { readonly uri: string; readonly commit: CommitId }
}

export type LawDifference = 'same' | 'workflows' | 'policy'

export const POLICY_PATH = '.github/waybill.yml'
const CODEOWNERS = '.github/CODEOWNERS'

/**
 * The policy file among the files of `.github`; undefined when there is none.
 * @throws `policy/unusable` when another file could be taken for it (13-adversary 5): whoever adds `waybill.yaml` hopes that
 * some reader prefers it.
 */
export function findPolicy(files: LawFiles): LawFile | undefined {
  const rival = files.files.find(file => isPolicyName(file.path) && file.path !== POLICY_PATH)
  if (rival !== undefined)
    throw fail('policy/unusable', `${printable(rival.path)} could be taken for the policy`, {
      expected: `one policy file, ${POLICY_PATH}`,
      found: rival.path,
      remedy: `Remove ${printable(rival.path)}; the policy is ${POLICY_PATH} and nothing else.`,
    })
  return files.files.find(file => file.path === POLICY_PATH)
}

function isPolicyName(path: string): boolean {
  return /^\.github\/waybill\.ya?ml$/i.test(path)
}

/**
 * Parses the law of one commit.
 * @throws `policy/unusable` (no policy, a broken one, a named file that is missing), `policy/unsupported`
 */
export function parseLaw(files: LawFiles): Law {
  const file = findPolicy(files)
  if (file === undefined)
    throw fail('policy/unusable', `The commit has no policy: ${POLICY_PATH} is missing or not a regular file`, {
      expected: POLICY_PATH,
      found: 'no such file',
      remedy: `Put ${POLICY_PATH} back; deleting it does not end the law accepted before.`,
    })
  const byPath = new Map(files.files.map(item => [item.path, item]))
  const readFile = (path: string) => byPath.get(path)?.bytes
  const policy = parsePolicy(file.bytes, POLICY_PATH, readFile)
  const named = readNamed(policy, readFile)
  return {
    ...(files.tree === undefined ? {} : { tree: files.tree }),
    ...lawOf(POLICY_PATH, file.bytes, policy, named),
    parts: partsOf(files, new Set(policy.files.map(item => item.path))),
    workflows: files.files.filter(({ path }) => isWorkflowPath(path)),
    constant: false,
  }
}

/**
 * A constant law: a policy named from outside (`--policy FILE`, an organisation's repository).
 * @param path of the policy; the files it names are asked for below its folder.
 * @throws as `parseLaw`, always of kind `configuration`: the caller named a file that cannot be used.
 */
export function lawFromFile(bytes: Uint8Array, path: string, readFile: ReadFile): Law {
  try {
    const policy = parsePolicy(bytes, path, readFile)
    return {
      ...lawOf(path, bytes, policy, readNamed(policy, readFile)),
      parts: new Map(),
      workflows: [],
      constant: true,
    }
  } catch (error) {
    if (!(error instanceof WaybillError)) throw error
    const { code, message, expected, found, remedy, cause } = error
    throw fail(code, message, {
      kind: 'configuration',
      remedy,
      cause,
      ...(expected === undefined ? {} : { expected }),
      ...(found === undefined ? {} : { found }),
    })
  }
}

type NamedBytes = ReadonlyMap<string, { readonly use: NamedFile['use']; readonly bytes: Uint8Array }>

function lawOf(path: string, bytes: Uint8Array, policy: Policy, named: NamedBytes) {
  const keyFiles = [...named].flatMap(([path, { use, bytes }]) => (use === 'openpgp' ? [{ path, bytes }] : []))
  keyFiles.push(...policy.snapshots.flatMap(({ keys }) => keys))
  const x509Roots = [...named].flatMap(([path, { use, bytes }]) => (use === 'x509' ? [{ path, bytes }] : []))
  return {
    policyPath: path,
    policyDigest: sha256(bytes),
    policy: bindKeys(policy, named),
    keyFiles,
    x509Roots,
    files: new Map([...named].map(([path, { bytes }]) => [path, bytes])),
  }
}

function readNamed(policy: Policy, readFile: ReadFile): NamedBytes {
  return new Map(
    policy.files.map(({ path, use, at }) => {
      const bytes = readFile(path)
      if (bytes === undefined) throw missing(path, at, 'no such regular file')
      if (bytes.byteLength > LIMITS.policyFileBytes) throw missing(path, at, `${bytes.byteLength} bytes`)
      return [path, { use, bytes }]
    }),
  )
}

function missing(path: string, at: string, found: string): Error {
  return fail('policy/unusable', `The policy names ${path} at ${at}, which cannot be read: ${found}`, {
    expected: `a regular file of at most ${LIMITS.policyFileBytes} bytes in the same commit`,
    found,
    remedy: `Commit ${path} together with the policy, or correct the line that names it.`,
  })
}

function bindKeys(policy: Policy, named: NamedBytes): Policy {
  const principals = bindRoots(policy, path => named.get(path)?.bytes ?? new Uint8Array())
  const { baseImages } = policy
  return {
    ...policy,
    principals,
    deploy: policy.deploy.map(rule => (rule.kind === 'deny' ? rule : bindRule(rule, named))),
    ...(baseImages === undefined ? {} : { baseImages: baseImages.map(rule => bindBase(rule, named)) }),
  }
}

function bindBase(rule: BaseImageRule, named: NamedBytes): BaseImageRule {
  if (rule.kind === 'waybill') return { ...rule, chain: bindRule(rule.chain, named) }
  if (rule.kind !== 'signers') return rule
  const [first, ...more] = rule.signers
  return { ...rule, signers: [bindSigner(first, named), ...more.map(signer => bindSigner(signer, named))] }
}

function bindRule(rule: AllowRule, named: NamedBytes): AllowRule {
  const { build, source, deployer, quarantineBy } = rule
  return {
    ...rule,
    build: bindSigner(build, named),
    ...(source === undefined ? {} : { source: { ...source, signer: bindSigner(source.signer, named) } }),
    ...(deployer === undefined ? {} : { deployer: { ...deployer, signer: bindSigner(deployer.signer, named) } }),
    ...(quarantineBy === undefined ? {} : { quarantineBy: bindSigner(quarantineBy, named) }),
  }
}

function bindSigner(signer: ExpectedSigner, named: NamedBytes): ExpectedSigner {
  if (signer.kind !== 'key') return signer
  const { file } = signer
  return { ...signer, fingerprint: keyFingerprint(named.get(file)?.bytes ?? new Uint8Array(), file) }
}

/**
 * What of the law differs between the accepted one and a commit's files; only paths that are law count.
 * The policy's named files are those of the accepted policy: as long as its own bytes are the same, so are the names.
 */
export function changedLaw(accepted: Law, files: LawFiles): LawDifference {
  if (accepted.constant) return 'same'
  if (accepted.tree !== undefined && accepted.tree === files.tree) return 'same'
  const changed = changedPaths(accepted, files)
  if (changed.length === 0) return 'same'
  return changed.every(path => isWorkflowPath(path)) ? 'workflows' : 'policy'
}

/** Law paths that were added, removed or have other bytes, sorted. */
export function changedPaths(accepted: Law, files: LawFiles): readonly string[] {
  const named = new Set(accepted.policy.files.map(item => item.path))
  return differentPaths(accepted.parts, partsOf(files, named))
}

export function differentPaths(before: Law['parts'], after: Law['parts']): readonly string[] {
  const paths = new Set([...before.keys(), ...after.keys()])
  return [...paths].filter(path => before.get(path) !== after.get(path)).sort()
}

export function partsOf(files: LawFiles, named: ReadonlySet<string>): Law['parts'] {
  const law = files.files.filter(({ path }) => isLawPath(path) || named.has(path))
  const links = (files.links ?? []).filter(({ path }) => isLawPath(path) || isLawPath(`${path}/`))
  // No path in a tree holds an empty name, so a link is never taken for a file of the same content.
  return new Map([...law, ...links.map(link => ({ ...link, path: `${link.path}//${link.kind}` }))].map(partOf))
}

function partOf({ path, id }: Pick<LawFile, 'path' | 'id'>): readonly [string, CommitId] {
  return [path, id]
}

function isLawPath(path: string): boolean {
  return isPolicyName(path) || path === CODEOWNERS || isWorkflowPath(path)
}

export function isWorkflowPath(path: string): boolean {
  return path.startsWith('.github/workflows/') || path.startsWith('.github/actions/')
}
