import { fail } from '../core/error.ts'
import type { MaterialKey, MaterialRule } from './material-rules.ts'
import type { Policy } from './policy.ts'
import { inForce, type Revocable, revokedText, revokes } from './revocation.ts'
import { isCanonicalUri, matchesUri, resemblesUri } from './uri-pattern.ts'

/**
 * The first rule of `materials` that matches decides; no match denies. To be asked before any request, also for mirrors and
 * for the addresses of signatures (13-adversary 39). It says whose signature is needed; that a digest is mandatory it does
 * not say, since it always is (13-adversary 20).
 * @param uri canonical: `https://…`, `git+https://…@ref`, `artifact://…`; images go by `base-images`.
 * @returns undefined when the policy has no such block.
 * @throws `policy/no-rule`, also for another spelling of a URI; `policy/denied`
 */
export function materialRule(policy: Policy, uri: string): MaterialRule | undefined {
  const { materials } = policy
  if (materials === undefined) return undefined
  if (!isCanonicalUri(uri)) throw misspelt(uri)
  const rule = materials.find(({ deny, match }) =>
    match.some(pattern => matchesUri(pattern, uri) || (deny && resemblesUri(pattern, uri))),
  )
  if (rule === undefined)
    throw fail('policy/no-rule', `No materials rule of the policy matches ${uri}`, {
      expected: materials.map(matchText).join('; '),
      found: uri,
      remedy: `Add to materials of the policy a rule for it, for example: - {match: "${uri}"}`,
    })
  if (rule.deny)
    throw fail(
      'policy/denied',
      `The policy denies ${uri}: the first materials rule that matches is ${matchText(rule)}`,
      {
        expected: 'a rule that allows it, above',
        found: `deny: true for ${matchText(rule)}`,
      },
    )
  return rule
}

function misspelt(uri: string): Error {
  return fail('policy/no-rule', 'No materials rule can match a URI that is not in its one spelling', {
    expected: 'https://host/path, git+https://host/path@ref or artifact://owner/repository/workflow.yml/file',
    found: uri,
    remedy:
      'Write the URI without a login, default port, fragment, dot segments, or encoded slashes, dots and percent signs.',
  })
}

/**
 * A key or signer that the policy names under `material-keys`, by the name that a rule or a manifest gives.
 * @throws `policy/no-key`
 */
export function materialKey({ materialKeys }: Policy, name: string): MaterialKey {
  const key = materialKeys?.get(name)
  if (key !== undefined) return key
  const known = [...(materialKeys?.keys() ?? [])].join(', ')
  throw fail('policy/no-key', `The policy has no key called ${name} for materials`, {
    expected: known === '' ? 'a material-keys block' : `one of: ${known}`,
    found: name,
    remedy: `Add ${name} to material-keys of the policy, or name one that is there.`,
  })
}

/**
 * A signature beside a download has no time that its maker could not choose, so a compromised key counts nowhere, a retired
 * one until its date (13-adversary 12).
 * @param signed the key that signed, also the primary key of an OpenPGP subkey.
 * @throws `policy/key-revoked`
 */
export function refuseRevoked({ revoked }: Pick<Policy, 'revoked'>, signed: Revocable, now: Date): void {
  const entry = revoked.find(item => revokes(item, signed) && inForce(item, undefined, now))
  if (entry === undefined) return
  throw fail('policy/key-revoked', `The policy has revoked ${revokedText(entry)}, which signed a material`, {
    expected: 'a signature by a key that is not in revoked',
    found: `${entry.mode} from ${entry.effective.toISOString()}`,
  })
}

function matchText({ match }: MaterialRule): string {
  return match.map(({ text }) => text).join(', ')
}
