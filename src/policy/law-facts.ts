import {
  deployLine,
  type LawPart,
  patternList,
  people,
  principalSignerText,
  quarantineLine,
  revocationLine,
} from './changes.ts'
import { fact, type LawFact } from './law-fact.ts'
import type { Pattern } from './match.ts'
import { materialFacts } from './material-facts.ts'
import type { ChangeRule, Policy, Principal, ReviewRule, SourceRule, TagRule } from './policy.ts'

/** Everything a policy says, in the order of the file. */
export function lawFacts(policy: Policy): readonly LawFact[] {
  const { principals, roles, snapshots, platformKeys, source, tags, policyChange, exceptions, revoked } = policy
  return [
    ...[...principals.values()].flatMap(principalFacts),
    ...[...roles].map(([name, members]) =>
      fact('role', name, `@${name}: ${members.join(', ')}`, { grants: members, loosensBy: 'coming' }),
    ),
    ...snapshots.map(({ file, role, principals: names, taken, warnAfterDays }) =>
      fact(
        'snapshot',
        file,
        `${file}: ${names.length} principals as @${role}, taken ${taken.at.toISOString()} from ${taken.source}, old after ${warnAfterDays} days`,
      ),
    ),
    ...platformKeys.map(({ fingerprint, file }) =>
      fact('platform-key', fingerprint, `${fingerprint} in ${file}`, { loosensBy: 'coming' }),
    ),
    ...source.flatMap((rule, at) => sourceFacts(rule, nth(source, at))),
    ...tags.map((rule, at) => tagFact(rule, nth(tags, at))),
    changeFact('policy', policyChange),
    changeFact('workflows', policyChange.workflows),
    ...exceptions.map(({ kind, commit, reason }) =>
      fact('exception', `${kind} ${commit}`, `${kind} ${commit}: ${reason}`, { loosensBy: 'coming' }),
    ),
    ...revoked.map(revocation => keyless('revocation', revocationLine(revocation), 'going')),
    ...policy.sourceWorkflows.map(path => keyless('source-workflows', path, 'coming')),
    gateRefsFact(policy.gateRefs),
    ...policy.quarantined.map(entry => keyless('quarantine', quarantineLine(entry), 'going')),
    ...materialFacts(policy),
    ...policy.deploy.map(rule => keyless('deploy-rule', deployLine(rule), rule.kind === 'deny' ? 'going' : 'coming')),
  ]
}

/** A thing that is another one as soon as a letter of it differs. */
function keyless(what: LawPart, text: string, loosensBy: NonNullable<LawFact['loosensBy']>): LawFact {
  return fact(what, text, text, { loosensBy })
}

/** Two rules may be about the same refs: the second of them is compared with the second. */
function nth(rules: readonly { readonly text: string }[], at: number): string {
  const text = rules[at]?.text ?? ''
  return `${text} ${rules.slice(0, at).filter(rule => rule.text === text).length}`
}

function principalFacts({ name, github, emails, signers }: Principal): readonly LawFact[] {
  const parts = [
    ...(github === undefined ? [] : [`GitHub ${github.login} (${github.id})`]),
    ...emails.map(email => `e-mail ${email}`),
    ...signers.map(principalSignerText),
  ]
  return [fact('principal', name, name), ...parts.map(part => keyless('principal', `${name}: ${part}`, 'coming'))]
}

function sourceFacts(rule: SourceRule, key: string): readonly LawFact[] {
  const { text, refs, signers, minRsa, allowOtherCommit, platform, review } = rule
  const other = allowOtherCommit ? ', other commits allowed' : ''
  const switches = [
    ...(['merge', 'squash', 'rebase'] as const)
      .filter(name => platform[name] !== 'deny')
      .map(name => `${name} ${platform[name]}`),
    ...(platform.content.size === 0 ? [] : [`content by ${people(platform.content)}`]),
  ]
  const granted = [...switches.filter(item => !item.startsWith('content')), ...platform.content]
  return [
    fact('source-rule', key, `${text}: commits by ${people(signers)}, RSA from ${minRsa}${other}`, {
      grants: [...signers, ...(allowOtherCommit ? ['other commits'] : [])],
      demands: { rsa: minRsa },
      loosensBy: 'going',
      opens: refs,
    }),
    ...(switches.length === 0
      ? []
      : [
          fact('source-rule', `${key} platform`, `${text}: signed by the platform: ${switches.join(', ')}`, {
            grants: granted,
            loosensBy: 'coming',
          }),
        ]),
    ...(review === undefined ? [] : [reviewFact(review, text, key)]),
  ]
}

function reviewFact({ approvals, by, distinctFrom, strength }: ReviewRule, text: string, key: string): LawFact {
  const distinct = distinctFrom.size === 0 ? '' : `, none of ${[...distinctFrom].join(', ')}`
  return fact(
    'source-rule',
    `${key} review`,
    `${text}: ${approvals} approvals, ${strength}${distinct}, by ${people(by)}`,
    {
      grants: by,
      demands: {
        approvals,
        signed: strength === 'signed-by-reviewer' ? 1 : 0,
        ...Object.fromEntries([...distinctFrom].map(person => [person, 1])),
      },
      loosensBy: 'going',
    },
  )
}

function tagFact({ text, refs, signers, on, minRsa }: TagRule, key: string): LawFact {
  return fact('tag-rule', key, `${text}: tags on ${on.join(', ')}, RSA from ${minRsa}, by ${people(signers)}`, {
    grants: [...signers, ...on],
    demands: { rsa: minRsa },
    loosensBy: 'going',
    opens: refs,
  })
}

function changeFact(name: string, { signers, approvals }: ChangeRule): LawFact {
  const text = `${name}: ${people(signers)}${approvals === 0 ? '' : `, with ${approvals} more approvals`}`
  return fact('policy-change', name, text, { grants: signers, demands: { approvals } })
}

function gateRefsFact(refs: readonly Pattern[] | undefined): LawFact {
  const text = refs === undefined ? 'the default branch' : patternList(refs)
  return fact('gate-refs', '', text, { grants: refs === undefined ? [text] : refs.map(pattern => pattern.text) })
}
