import { type Finding, findingOf, type Outcome, worst } from '../core/verdict.ts'
import { baseSigners } from '../policy/base-images.ts'
import type { Answer } from '../policy/evidence.ts'
import { ruleSigners } from '../policy/expectation.ts'
import type { ExpectedSigner } from '../policy/expected.ts'
import { explainPolicy, type Section } from '../policy/explain.ts'
import type { Law } from '../policy/law.ts'
import type { Policy } from '../policy/policy.ts'
import { snapshotNotes } from '../policy/snapshot.ts'
import { loadKeyring } from '../source/keyring.ts'
import { findingAbout, materialNotes } from './policy-notes.ts'

/** Whether somebody with the right to push can put anything he likes on a ref. */
export interface RefProtection {
  readonly protected: boolean
  /** Each rule in words; empty when nothing protects it. */
  readonly by: readonly string[]
}

/** The platform's branch protection and rulesets. */
export interface RulesetPort {
  /**
   * @param repository `owner/name`
   * @param ref full name, or a pattern of the policy, of which every ref must be protected.
   */
  isProtected(repository: string, ref: string): Promise<Answer<RefProtection>>
}

/** A ref, or a pattern of refs, from which something is accepted; `any` is every ref there may ever be. */
export interface AcceptedRef {
  readonly repository: string
  readonly ref: string
  /** Which rule accepts it. */
  readonly why: string
}

export interface CheckedRef extends AcceptedRef {
  readonly state: 'protected' | 'unprotected' | 'unknown'
  readonly by: readonly string[]
}

export interface PolicyCheck {
  readonly outcome: Outcome
  readonly sections: readonly Section[]
  readonly findings: readonly Finding[]
  /** Empty unless the platform was asked. */
  readonly refs: readonly CheckedRef[]
}

/**
 * What a policy means, what is odd about it, and, where the platform may be asked, which accepted refs anybody with the
 * right to push could move (13-adversary 28).
 * @throws `source/key-unreadable` when a key file it names cannot be read.
 */
export async function checkPolicy(
  law: Law,
  now: Date,
  remote?: { readonly repository: string; readonly rulesets: RulesetPort },
): Promise<PolicyCheck> {
  const { policy } = law
  const notes = [...(await keyNotes(law)), ...materialNotes(law), ...snapshotNotes(policy, now)]
  const asked =
    remote === undefined
      ? []
      : await Promise.all(acceptedRefs(policy, remote.repository).map(ref => protectionOf(ref, remote.rulesets)))
  const outcomes = asked.map(({ ref }): Outcome => OUTCOME[ref.state])
  return {
    outcome: worst(['passed', ...outcomes]),
    sections: explainPolicy(policy),
    findings: [...notes, ...asked.flatMap(({ finding }) => (finding === undefined ? [] : [finding]))],
    refs: asked.map(({ ref }) => ref),
  }
}

const OUTCOME = { protected: 'passed', unprotected: 'rejected', unknown: 'unknown' } as const

/** Every ref that a rule accepts, each once, with the repository it lies in. */
export function acceptedRefs(policy: Policy, repository: string): readonly AcceptedRef[] {
  const own = (refs: readonly { readonly text: string }[], why: string) =>
    refs.map(({ text }): AcceptedRef => ({ repository, ref: text, why }))
  const refs = [
    ...policy.source.flatMap(rule => own(rule.refs, 'source')),
    ...policy.tags.flatMap(rule => [
      ...own(rule.refs, 'source tag'),
      ...own(
        rule.on.map(text => ({ text })),
        'tag on',
      ),
    ]),
    ...own(policy.gateRefs ?? [], 'gate-refs'),
    ...policy.deploy.flatMap(rule => ruleSigners(rule).flatMap(signer => signerRefs(signer, 'deploy'))),
    ...(policy.baseImages ?? []).flatMap(rule =>
      baseSigners(rule).flatMap(signer => signerRefs(signer, 'base-images')),
    ),
    ...[...(policy.materialKeys?.values() ?? [])].flatMap(key =>
      key.kind === 'signer' ? signerRefs(key.signer, 'material-keys') : [],
    ),
  ]
  const unique = new Map(refs.map(item => [`${item.repository.toLowerCase()} ${item.ref}`, item]))
  return [...unique.values()]
}

function signerRefs(signer: ExpectedSigner, block: string): readonly AcceptedRef[] {
  if (signer.kind !== 'github') return []
  const { repository, sourceRef } = signer
  const why = `${block} source-ref`
  if (sourceRef === 'any') return [{ repository, ref: 'any', why }]
  return sourceRef.map(({ text }): AcceptedRef => ({ repository, ref: text, why }))
}

async function protectionOf(
  accepted: AcceptedRef,
  rulesets: RulesetPort,
): Promise<{ readonly ref: CheckedRef; readonly finding?: Finding }> {
  const { repository, ref } = accepted
  if (ref === 'any') return unprotected(accepted, 'every ref is accepted')
  const answer = await rulesets.isProtected(repository, ref)
  if (answer.kind === 'unavailable') {
    const finding = findingOf(answer.cause, `${repository} ${ref}`, 'note')
    return { ref: { ...accepted, state: 'unknown', by: [] }, finding }
  }
  if (!answer.value.protected) return unprotected(accepted, 'no rule')
  return { ref: { ...accepted, state: 'protected', by: answer.value.by } }
}

function unprotected(accepted: AcceptedRef, found: string): { readonly ref: CheckedRef; readonly finding: Finding } {
  const { repository, ref, why } = accepted
  const message = `Nothing protects ${ref} of ${repository}, which the policy accepts (${why})`
  const finding = findingAbout('policy/ref-unprotected', `${repository} ${ref}`, message, 'reject', {
    expected: 'a ruleset or branch protection that covers it',
    found,
  })
  return { ref: { ...accepted, state: 'unprotected', by: [] }, finding }
}

/** A fingerprint that stands in no key file: not one commit of that person could be accepted. */
async function keyNotes({ policy, keyFiles }: Law): Promise<readonly Finding[]> {
  const keyring = await loadKeyring(keyFiles)
  const known = new Set(keyring.keys.map(key => key.fingerprint))
  const named = [
    ...[...policy.principals.values()].flatMap(({ name, signers }) =>
      signers.flatMap(signer => (signer.kind === 'openpgp' ? [{ whose: name, ...signer }] : [])),
    ),
    ...policy.platformKeys.map(key => ({ whose: 'the platform', ...key })),
    ...[...(policy.materialKeys ?? [])].flatMap(([name, key]) =>
      key.kind === 'openpgp' ? [{ whose: `material-keys ${name}`, ...key }] : [],
    ),
  ]
  return named
    .filter(({ fingerprint }) => !known.has(fingerprint))
    .map(({ whose, fingerprint, file }) =>
      findingAbout(
        'policy/key-missing',
        file,
        `The key ${fingerprint} of ${whose} is in none of the key files; nothing it signed could be accepted`,
        'note',
        { expected: `the key in ${file}`, found: 'other keys' },
      ),
    )
}
