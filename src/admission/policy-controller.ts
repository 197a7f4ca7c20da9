import type { JsonObject } from '../core/json.ts'
import type { ExpectedSigner } from '../policy/expected.ts'
import { STATEMENT_TYPE, STATEMENT_TYPE_V01 } from '../statements/statement.ts'
import { belowPrefix } from './below-prefix.ts'
import { documentFile, headerLines, ruleName } from './document.ts'
import { imageGlob } from './image-glob.ts'
import { type Admission, type AdmissionFile, type AdmissionLink, type AdmissionRule, conditionsOf } from './link.ts'
import type { AdmissionOptions } from './options.ts'
import { wholeText } from './re2.ts'
import { notExpressible } from './refused.ts'
import { regoModule } from './rego.ts'
import { identityPattern } from './signer-conditions.ts'
import { type ControllerTrust, controllerTrust } from './trust-root.ts'

const POLICIES = 'policy.sigstore.dev/v1beta1'
const ROOTS = 'policy.sigstore.dev/v1alpha1'
/** The default; who installed it elsewhere changes one line. */
const NAMESPACE = 'cosign-system'
const LABEL = 'policy.sigstore.dev/include'
const UNLABELLED = `Nothing is enforced in a namespace without its label: kubectl label namespace NAME ${LABEL}=true`

/**
 * One ClusterImagePolicy for each link: policy-controller wants all policies that match and any one authority of each
 * (13-adversary 30). Besides, what it needs to deny everything else, and the roots it is to trust.
 *
 * Pure; the same admission and options give the same bytes, sorted by name. docs/admission.md
 * @throws `policy/not-expressible` for what this engine cannot check.
 */
export function clusterImagePolicies(admission: Admission, options: AdmissionOptions): readonly AdmissionFile[] {
  const header = headerLines('policy-controller', admission, options)
  const file = (name: string, object: JsonObject, remarks: readonly string[] = []) =>
    documentFile(name, object, [...header, ...remarks])
  const trusts = new Map(admission.rules.flatMap(rule => trustOf(rule, options)))
  const files = [
    ...admission.rules.flatMap(rule => rulePolicies(rule, options, file)),
    ...quarantined(admission, file),
    ...[...trusts.values()].flatMap(({ root }) =>
      root === undefined ? [] : [file(`trustroot-${root.name}`, object(ROOTS, 'TrustRoot', root.name, root.spec))],
    ),
    configuration(file),
    ...options.namespaces.map(name => file(`namespace-${name}`, namespace(name))),
  ]
  return files.sort((a, b) => (a.name < b.name ? -1 : 1))
}

type Write = (name: string, object: JsonObject, remarks?: readonly string[]) => AdmissionFile

function trustOf({ trust, links }: AdmissionRule, options: AdmissionOptions): readonly [string, ControllerTrust][] {
  return links.length === 0 ? [] : [[JSON.stringify(trust), controllerTrust(trust, options)]]
}

function rulePolicies(rule: AdmissionRule, options: AdmissionOptions, write: Write): readonly AdmissionFile[] {
  const name = `waybill-${ruleName(rule)}`
  const globs = rule.match.map(imageGlob)
  if (rule.links.length === 0)
    return [
      write(`clusterimagepolicy-${name}-denied`, policy(`${name}-denied`, globs, [refusal('denied by the policy')])),
    ]
  const trust = controllerTrust(rule.trust, options)
  return rule.links.map(link => {
    const own = `${name}-${link.item}`
    const authorities = link.predicateTypes.map((type, at) => authority(link, type, at, trust))
    return write(`clusterimagepolicy-${own}`, policy(own, globs, authorities), trust.remarks)
  })
}

function policy(name: string, globs: readonly string[], authorities: readonly JsonObject[]): JsonObject {
  return object(POLICIES, 'ClusterImagePolicy', name, {
    mode: 'enforce',
    images: globs.map(glob => ({ glob })),
    authorities,
  })
}

/** Exactly one identity, and one type of statement with what it must say: any other combination would be an "or". */
function authority(link: AdmissionLink, type: string, at: number, trust: ControllerTrust): JsonObject {
  const name = at === 0 ? link.item : `${link.item}-${at + 1}`
  const types =
    link.item === 'sbom' || link.item === 'signature' ? [STATEMENT_TYPE, STATEMENT_TYPE_V01] : [STATEMENT_TYPE]
  const data = regoModule(type, types, conditionsOf(link, type))
  return {
    name,
    signatureFormat: 'bundle',
    keyless: { ...trust.keyless, identities: [identity(link.signer)] },
    ...trust.witness,
    attestations: [{ name, predicateType: type, policy: { type: 'rego', data } }],
  }
}

/** A subject to the letter where there is one, else an expression for the whole of it. */
function identity(signer: ExpectedSigner): JsonObject {
  if (signer.kind === 'key')
    throw notExpressible(
      'policy-controller reads bundles of certificates alone',
      'a signer with a certificate: github or sigstore',
      `the key ${signer.file}`,
      'Sign without a key, or have a gate judge these images and require deploy-verified here.',
    )
  const { issuer } = signer
  if (signer.kind === 'sigstore') {
    if ('exact' in signer.identity) return { issuer, subject: signer.identity.exact }
    return { issuer, subjectRegExp: belowPrefix(signer.identity.prefix) }
  }
  const pattern = identityPattern(signer.signer, signer.server)
  return pattern.includes('*') ? { issuer, subjectRegExp: wholeText([pattern]) } : { issuer, subject: pattern }
}

/** Nothing satisfies it, and all policies that match must be satisfied. */
function refusal(message: string): JsonObject {
  return { name: 'refused', static: { action: 'fail', message } }
}

function quarantined({ quarantined: digests }: Admission, write: Write): readonly AdmissionFile[] {
  if (digests.length === 0) return []
  const globs = digests.map(digest => `**@${digest}`)
  const remark = 'A digest is refused where a pod names it: of an index with several platforms name every digest.'
  const body = policy('waybill-quarantined', globs, [refusal('in quarantine by the policy')])
  return [write('clusterimagepolicy-waybill-quarantined', body, [remark])]
}

/** 13-adversary 30: what no policy matches is denied. It is the default as well, and would be lost if somebody had changed it. */
function configuration(write: Write): AdmissionFile {
  const body = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'config-policy-controller', namespace: NAMESPACE },
    data: { 'no-match-policy': 'deny' },
  }
  return write('config-policy-controller', body, [UNLABELLED])
}

function namespace(name: string): JsonObject {
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels: { [LABEL]: 'true' } } }
}

function object(apiVersion: string, kind: string, name: string, spec: JsonObject): JsonObject {
  return { apiVersion, kind, metadata: { name }, spec }
}
