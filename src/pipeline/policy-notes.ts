import { CATALOGUE } from '../core/catalogue.ts'
import { asWaybillError, type ErrorCode } from '../core/error.ts'
import type { Finding } from '../core/verdict.ts'
import { minisignKeyId } from '../materials/proof/minisign.ts'
import type { Law } from '../policy/law.ts'
import type { MaterialKey } from '../policy/material-rules.ts'
import type { Policy } from '../policy/policy.ts'
import { everyItem } from '../policy/requirements.ts'
import { type Revocable, revokedText, revokes } from '../policy/revocation.ts'

/** What is odd about the rules for materials: none of it makes the policy unusable, and all of it lets nothing through. */
export function materialNotes(law: Law): readonly Finding[] {
  return [...impossible(law.policy), ...materialKeyNotes(law)]
}

/** Parts of a policy that contradict each other. */
function impossible({ baseImages, materials, deploy }: Policy): readonly Finding[] {
  const allowing = (baseImages ?? []).filter(({ kind }) => kind !== 'deny')
  const pinned = allowing.length > 0 && allowing.every(({ kind }) => kind === 'digest-lock')
  const asks = deploy.some(rule => rule.kind === 'allow' && everyItem(rule).includes('materials-verified'))
  const none = 'There is a materials block and no base-images block, so no image can be built upon'
  const never =
    'A deploy rule requires materials-verified, and every base image is pinned by digest-lock, never verified'
  return [
    ...(materials !== undefined && baseImages === undefined
      ? [cannotHold('materials', none, 'base-images: [{match: …}]', 'no such block: only FROM scratch passes')]
      : []),
    ...(pinned && asks
      ? [cannotHold('deploy', never, 'materials-pinned, or signers in base-images', 'digest-lock')]
      : []),
  ]
}

function cannotHold(subject: string, message: string, expected: string, found: string): Finding {
  return findingAbout('policy/cannot-hold', subject, message, 'note', { expected, found })
}

function materialKeyNotes({ policy, files }: Law): readonly Finding[] {
  const { materials, materialKeys, revoked } = policy
  const named = new Set(materials?.flatMap(({ keys }) => keys))
  return [...(materialKeys ?? [])].flatMap(([name, key]) => [
    ...(materials === undefined || named.has(name) ? [] : [unused(name)]),
    ...(key.kind === 'minisign' ? unusable(key.file, files.get(key.file)) : []),
    ...revoked
      .filter(entry => revokes(entry, revocable(key)))
      .map(entry =>
        findingAbout('policy/key-revoked', name, `material-keys has ${name}, and revoked has it, too`, 'note', {
          expected: 'a key that is not revoked',
          found: revokedText(entry),
        }),
      ),
  ])
}

function unused(name: string): Finding {
  const message = `No materials rule names the key ${name} of material-keys`
  return findingAbout('policy/key-unused', name, message, 'note', {
    expected: `keys: [${name}]`,
    found: 'no such rule',
  })
}

function unusable(file: string, bytes: Uint8Array | undefined): readonly Finding[] {
  try {
    minisignKeyId(bytes ?? new Uint8Array())
    return []
  } catch (error) {
    const { message } = asWaybillError(error)
    const facts = { expected: 'one minisign public key, as in minisign.pub', found: message }
    return [findingAbout('policy/key-unusable', file, `${file} holds no minisign key`, 'note', facts)]
  }
}

function revocable(key: MaterialKey): Revocable {
  if (key.kind === 'openpgp' || key.kind === 'ssh') return { fingerprint: key.fingerprint }
  const signer = key.kind === 'signer' && key.signer.kind === 'sigstore' ? key.signer : undefined
  if (signer === undefined || !('exact' in signer.identity)) return { fingerprint: '' }
  return { fingerprint: '', identity: signer.identity.exact, issuer: signer.issuer }
}

export function findingAbout(
  code: ErrorCode,
  subject: string,
  message: string,
  severity: Finding['severity'],
  facts: { readonly expected: string; readonly found: string },
): Finding {
  return { code, severity, subject, message, ...facts, remedy: CATALOGUE[code].remedy }
}
