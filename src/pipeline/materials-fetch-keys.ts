import { latin1 } from '../core/bytes.ts'
import { fail } from '../core/error.ts'
import type { KeySource, MaterialItem, Verify } from '../materials/manifest/item.ts'
import { materialKey } from '../policy/material-policy.ts'
import type { MaterialKey, MaterialRule } from '../policy/material-rules.ts'
import type { ScaiKeys } from '../statements/scai.ts'
import type { FetchRequest } from './materials-fetch-request.ts'

/** A key, and whose word it is that it counts (13-adversary 20). */
export interface NamedKey {
  /** As messages name it. */
  readonly name: string
  readonly keys: ScaiKeys
  readonly key: UsableKey
}

/** With the bytes of its file. `fingerprint`: which key of the file; absent where the judged commit brings the file itself. */
export type UsableKey =
  | { readonly kind: 'openpgp'; readonly file: string; readonly bytes: Uint8Array; readonly fingerprint?: string }
  | { readonly kind: 'ssh'; readonly text: string }
  | { readonly kind: 'minisign'; readonly bytes: Uint8Array }
  | Extract<MaterialKey, { kind: 'signer' }>

/**
 * Where the policy's rule names keys, the manifest must name one of them: before anything is fetched, because nothing that the
 * manifest says else could help (13-adversary 20). Certificates are compared with the rule's signers afterwards.
 * @throws `materials/key-not-allowed`
 */
export function requireListed(rule: MaterialRule | undefined, { name, uri, verify }: MaterialItem): void {
  const keys = rule?.keys ?? []
  if (keys.length === 0) return
  const source = verify === undefined ? undefined : keySourceOf(verify)
  if (source === 'certificate' || (source?.from === 'policy' && keys.includes(source.name))) return
  throw fail(
    'materials/key-not-allowed',
    `The policy asks for another signature on ${uri.canonical} than the manifest`,
    {
      expected: `a signature by ${keys.join(' or ')}`,
      found: source === undefined ? 'no verify' : source.from === 'policy' ? source.name : `the file ${source.file}`,
      remedy: `Name one of them in the manifest's item ${name}: verify: {…: {…, key: ${keys[0]}}}`,
    },
  )
}

function keySourceOf(verify: Verify): KeySource | 'certificate' {
  if (verify.kind === 'checksums') return keySourceOf(verify.verify)
  return verify.kind === 'sigstore' || verify.kind === 'github' ? 'certificate' : verify.key
}

/** @throws `policy/no-key`, `materials/key-unusable` */
export async function keyOf(
  request: FetchRequest,
  source: KeySource,
  kinds: readonly UsableKey['kind'][],
): Promise<NamedKey> {
  const named =
    source.from === 'policy' ? policyKey(request, source.name) : await commitKey(request, source.file, kinds)
  if (kinds.includes(named.key.kind)) return named
  throw unusable(named.name, kinds.join(' or '), named.key.kind)
}

/** Every signer that may decide: those of the rule, and where it names no key at all, any of the policy. */
export function signersFor(request: FetchRequest, rule: MaterialRule | undefined): readonly NamedSigner[] {
  const { policy } = request
  const names = rule === undefined || rule.keys.length === 0 ? [...(policy.materialKeys?.keys() ?? [])] : rule.keys
  return names.flatMap(name => {
    const key = materialKey(policy, name)
    return key.kind === 'signer' ? [{ name, key }] : []
  })
}

export interface NamedSigner {
  readonly name: string
  readonly key: Extract<MaterialKey, { kind: 'signer' }>
}

function policyKey({ policy, policyFiles }: FetchRequest, name: string): NamedKey {
  const key = materialKey(policy, name)
  const named = { name, keys: 'policy' } as const
  if (key.kind === 'signer') return { ...named, key }
  if (key.kind === 'ssh') return { ...named, key: { kind: 'ssh', text: key.key } }
  const bytes = policyFiles.get(key.file)
  if (bytes === undefined) throw unusable(name, `the file ${key.file}`, 'no such file beside the policy')
  return { ...named, key: { ...key, bytes } }
}

async function commitKey(request: FetchRequest, file: string, kinds: readonly UsableKey['kind'][]): Promise<NamedKey> {
  const bytes = await request.commitFile(file)
  if (bytes === undefined) throw unusable(file, 'a file of the commit', 'no such file')
  const text = latin1(bytes).trim()
  const isSsh = kinds.includes('ssh') && /^(?:ssh-|ecdsa-|sk-)/.test(text)
  const named = { name: file, keys: 'declared-by-commit' } as const
  if (isSsh) return { ...named, key: { kind: 'ssh', text } }
  if (kinds.includes('openpgp')) return { ...named, key: { kind: 'openpgp', file, bytes } }
  if (kinds.includes('minisign')) return { ...named, key: { kind: 'minisign', bytes } }
  throw unusable(file, kinds.join(' or '), 'a file of another kind')
}

function unusable(name: string, expected: string, found: string): Error {
  return fail('materials/key-unusable', `The key ${name} cannot be used to verify a material`, { expected, found })
}
