import { CATALOGUE } from '../core/catalogue.ts'
import type { ErrorCode } from '../core/error.ts'
import type { CertificateSigner, ObservedSigner } from '../core/signer.ts'
import { printable } from '../core/text.ts'
import type { Finding } from '../core/verdict.ts'
import { isPullIdentity } from './build-signer.ts'
import type { ExpectedGithub, ExpectedKey, ExpectedSigner, ExpectedSigstore, ExpectedWorkflow } from './expected.ts'
import { isPullRef, matchesRef } from './match.ts'

/**
 * The only place where an expected and an observed signer meet. Every part that is expected is compared, whole and to the
 * letter; a part that the certificate lacks is a mismatch, never a match.
 * @param subject what the findings are about.
 * @returns one finding for each part that differs; none means that they match.
 */
export function matchSigner(expected: ExpectedSigner, observed: ObservedSigner, subject = ''): readonly Finding[] {
  const differs: Differ = (code, what, want, found) => mismatch(subject, code, what, want, found)
  if (expected.kind === 'key') return matchKey(expected, observed, differs)
  if (observed.kind === 'key')
    return differs('verify/key-mismatch', 'signer', 'a certificate', `the key ${observed.fingerprint}`)
  const pulls = pullRequest(observed, differs)
  if (expected.kind === 'sigstore') return [...matchSigstore(expected, observed, differs), ...pulls]
  return [...matchGithub(expected, observed, differs), ...pulls]
}

/** One finding, as a list so that a list of comparisons can be flattened. */
type Differ = (code: ErrorCode, what: string, expected: string, found: string | undefined) => readonly Finding[]

function mismatch(subject: string, code: ErrorCode, what: string, expected: string, found: string | undefined) {
  const shown = found === undefined || found === '' ? 'nothing' : found
  const finding: Finding = {
    code,
    severity: 'reject',
    subject: printable(subject),
    message: `The ${what} is not the expected one`,
    expected: printable(expected, 600),
    found: printable(shown, 600),
    remedy: CATALOGUE[code].remedy,
  }
  return [finding]
}

function matchKey(expected: ExpectedKey, observed: ObservedSigner, differs: Differ): readonly Finding[] {
  const want = `the key ${expected.file}${expected.fingerprint === undefined ? '' : ` (${expected.fingerprint})`}`
  if (observed.kind !== 'key')
    return differs('verify/key-mismatch', 'signer', want, `a certificate of ${observed.san.value}`)
  // A key that was never bound to its file has no fingerprint, and must not match one that has none either.
  if (expected.fingerprint !== undefined && expected.fingerprint === observed.fingerprint) return []
  return differs('verify/key-mismatch', 'signer', want, `the key ${observed.fingerprint}`)
}

/** Runs for pull requests hold code nobody has accepted; no expectation, not even an exact one, means them (13-adversary 28). */
function pullRequest({ san, ci }: CertificateSigner, differs: Differ): readonly Finding[] {
  const ref = ci.sourceRepositoryRef
  if (ref !== undefined && isPullRef(ref))
    return differs('verify/source-ref-mismatch', 'source ref', 'a branch or a tag', ref)
  if (san.type === 'uri' && isPullIdentity(san.value))
    return differs('verify/source-ref-mismatch', 'identity’s ref', 'a branch or a tag', san.value)
  // `pull_request_target` and what reviews start have the base branch's ref (13-adversary 6).
  if (ci.buildTrigger?.startsWith('pull_request') === true)
    return differs('verify/trigger-mismatch', 'trigger', 'no pull request', ci.buildTrigger)
  return []
}

function matchSigstore(expected: ExpectedSigstore, observed: CertificateSigner, differs: Differ): readonly Finding[] {
  const { identity } = expected
  const { type, value } = observed.san
  const ok = 'exact' in identity ? value === identity.exact : type === 'uri' && value.startsWith(identity.prefix)
  const want = 'exact' in identity ? identity.exact : `an identity below ${identity.prefix}`
  return [
    // "other" names are text that another kind of name could imitate.
    ...(ok && type !== 'other' ? [] : differs('verify/identity-mismatch', 'identity', want, value)),
    ...matchIssuer(expected.issuer, observed, differs),
  ]
}

function matchIssuer(issuer: string, observed: CertificateSigner, differs: Differ): readonly Finding[] {
  return observed.issuer === issuer ? [] : differs('verify/issuer-mismatch', 'issuer', issuer, observed.issuer)
}

function matchGithub(expected: ExpectedGithub, observed: CertificateSigner, differs: Differ): readonly Finding[] {
  return [
    ...matchIssuer(expected.issuer, observed, differs),
    ...matchRepository(expected, observed, differs),
    ...matchSigningWorkflow(expected, observed, differs),
    ...matchCaller(expected, observed, differs),
    ...matchSourceRef(expected, observed, differs),
    ...matchRun(expected, observed, differs),
  ]
}

function matchRepository(expected: ExpectedGithub, { ci }: CertificateSigner, differs: Differ): readonly Finding[] {
  const uri = `${expected.server}/${expected.repository}`
  if (ci.sourceRepositoryUri !== uri)
    return differs('verify/repository-mismatch', 'repository', uri, ci.sourceRepositoryUri)
  if (expected.repositoryId === 'any' || ci.sourceRepositoryIdentifier === expected.repositoryId) return []
  const found = ci.sourceRepositoryIdentifier === undefined ? undefined : `id ${ci.sourceRepositoryIdentifier}`
  return differs('verify/repository-recreated', 'repository’s id', `id ${expected.repositoryId}`, found)
}

function matchSigningWorkflow(
  expected: ExpectedGithub,
  { san, ci }: CertificateSigner,
  differs: Differ,
): readonly Finding[] {
  const { signer, server } = expected
  const wrong = (found: string | undefined) =>
    differs('verify/workflow-mismatch', 'signing workflow', signer.text, found)
  if (san.type !== 'uri') return wrong(san.value)
  if (ci.buildSignerUri !== undefined && ci.buildSignerUri !== san.value) return wrong(ci.buildSignerUri)
  if (workflowMatches(signer, server, san.value, ci.buildSignerDigest)) return []
  return wrong(`${san.value}${'commit' in signer.at ? ` at commit ${ci.buildSignerDigest ?? 'unknown'}` : ''}`)
}

/** Without `caller` the SAN must be the Build Config URI itself, so that no foreign call of a shared workflow counts. */
function matchCaller(expected: ExpectedGithub, { san, ci }: CertificateSigner, differs: Differ): readonly Finding[] {
  const { caller, server } = expected
  if (caller === 'any') return []
  const found = ci.buildConfigUri
  if (caller === undefined)
    return found === san.value ? [] : differs('verify/caller-mismatch', 'calling workflow', san.value, found)
  if (found !== undefined && workflowMatches(caller, server, found, ci.buildConfigDigest)) return []
  return differs('verify/caller-mismatch', 'calling workflow', caller.text, found)
}

/** `https://github.com/` + path + `@` + ref or commit; the path literal, so only what stands behind it can vary. */
function workflowMatches(expected: ExpectedWorkflow, server: string, uri: string, commit: string | undefined): boolean {
  const prefix = `${server}/${expected.path}@`
  if (!uri.startsWith(prefix)) return false
  const at = uri.slice(prefix.length)
  if ('commit' in expected.at) return commit === expected.at.commit && (at.startsWith('refs/') || at === commit)
  if ('any' in expected.at) return /^[0-9a-f]{40}$/.test(at) || (at.startsWith('refs/') && !isPullRef(at))
  return matchesRef([expected.at.ref], at)
}

function matchSourceRef({ sourceRef }: ExpectedGithub, { ci }: CertificateSigner, differs: Differ): readonly Finding[] {
  const found = ci.sourceRepositoryRef
  const ok = found !== undefined && (sourceRef === 'any' ? found.startsWith('refs/') : matchesRef(sourceRef, found))
  // A pull request's ref has a finding of its own already.
  if (ok || (found !== undefined && isPullRef(found))) return []
  const want = sourceRef === 'any' ? 'any branch or tag' : sourceRef.map(({ text }) => text).join(' or ')
  return differs('verify/source-ref-mismatch', 'source ref', want, found)
}

function matchRun(expected: ExpectedGithub, { ci }: CertificateSigner, differs: Differ): readonly Finding[] {
  const { trigger, runner, environment } = expected
  const triggered = trigger === undefined || (ci.buildTrigger !== undefined && trigger.includes(ci.buildTrigger))
  return [
    ...(triggered ? [] : differs('verify/trigger-mismatch', 'trigger', trigger.join(' or '), ci.buildTrigger)),
    ...(runner === undefined || runner === ci.runnerEnvironment
      ? []
      : differs('verify/runner-mismatch', 'runner', runner, ci.runnerEnvironment)),
    ...(environment === undefined || environment === ci.environment
      ? []
      : differs('verify/environment-mismatch', 'environment', environment, ci.environment)),
  ]
}

/** An observed signer in words: identity, repository, issuer. */
export function observedText(observed: ObservedSigner): string {
  if (observed.kind === 'key') return `the key ${observed.fingerprint}`
  const { san, issuer, ci } = observed
  const repository = ci.sourceRepositoryUri === undefined ? '' : ` of ${ci.sourceRepositoryUri}`
  return printable(`${san.value}${repository} (${issuer})`, 600)
}
