import { stringify } from 'yaml'
import { anyOf, celText } from './cel.ts'
import { conditionsCel } from './cel-conditions.ts'
import { cosignOf, type KyvernoCosign, type KyvernoTrust } from './kyverno-attestor.ts'
import { type Admission, type AdmissionFile, type AdmissionLink, type AdmissionRule, conditionsOf } from './link.ts'
import { wholeText } from './re2.ts'
import { notExpressible } from './refused.ts'

export interface KyvernoOptions {
  /** Lines above the document, without `#`; what `admission.notes` say must be among them. */
  readonly header: readonly string[]
  /** What the files under `trust:` of the policy stand for. */
  readonly trust?: ReadonlyMap<string, KyvernoTrust>
  /** Namespaces in which images are checked; none: in all. */
  readonly namespaces?: readonly string[]
}

const NAME = 'waybill-images'

/**
 * One ImageValidatingPolicy (policies.kyverno.io, Kyverno 1.19) for everything that is admitted.
 *
 * One policy and not one for each rule: Kyverno 1.19 reads image data under a lock that it does not give back when the
 * image is known already, and the next unknown image of the same pod then waits for ever. Here every image is named once and
 * all are read before the first is asked for again.
 * @throws `policy/not-expressible`
 */
export function imageValidatingPolicies(admission: Admission, options: KyvernoOptions): readonly AdmissionFile[] {
  const rules = admission.rules.map((rule, index) => ruleOf(rule, `rule${index + 1}`, options.trust ?? new Map()))
  const policy = {
    apiVersion: 'policies.kyverno.io/v1',
    kind: 'ImageValidatingPolicy',
    metadata: { name: NAME },
    spec: {
      validationActions: ['Deny'],
      failurePolicy: 'Fail',
      // Keys, logs and statements are fetched while the API server waits; this is the longest that it does.
      webhookConfiguration: { timeoutSeconds: 30 },
      matchConstraints: matchConstraints(options),
      matchConditions: [{ name: 'what-runs-changes', expression: CHANGES }],
      validationConfigurations: { mutateDigest: false, verifyDigest: true, required: true },
      images: IMAGES,
      ...chain(rules, admission.quarantined),
    },
  }
  const header = options.header.map(line => `${`# ${line}`.trimEnd()}\n`).join('')
  return [{ name: `${NAME}.yaml`, text: header + stringify(policy, { lineWidth: 0 }) }]
}

/** Everything that depends on the rules. Images that no rule admits are not even fetched: they are refused by name. */
function chain(rules: readonly NamedRule[], quarantined: readonly string[]): object {
  const allowed = rules.filter(rule => rule.links.length > 0)
  const denied = rules.filter(rule => rule.links.length === 0)
  const types = [...new Set(allowed.flatMap(rule => rule.links.flatMap(({ link }) => link.predicateTypes)))]
  const named = attestationNames(types)
  return {
    matchImageReferences: [{ expression: anyOf(allowed.map(({ rule }) => matchCel('ref', rule))) }],
    attestors: allowed.flatMap(rule => rule.links.map(({ name, cosign }) => ({ name, cosign }))),
    attestations: types.map(type => ({ name: named(type), intoto: { type } })),
    variables: [
      { name: 'images', expression: imagesOf('object') },
      ...rules.map(({ name, rule }) => ({
        name,
        expression: `variables.images.filter(image, ${matchCel('image', rule)})`,
      })),
    ],
    validations: [
      ...denied.map(({ name, rule }) => ({
        expression: `variables.${name}.size() == 0`,
        message: `The policy denies ${patternsOf(rule)}.`,
      })),
      noRule(allowed),
      ...quarantine(quarantined),
      ...allowed.flatMap(rule => rule.links.map(link => validation(rule, link, named))),
    ],
  }
}

interface NamedRule {
  readonly name: string
  readonly rule: AdmissionRule
  readonly links: readonly NamedLink[]
}

interface NamedLink {
  readonly name: string
  readonly link: AdmissionLink
  readonly cosign: KyvernoCosign
}

function ruleOf(rule: AdmissionRule, name: string, trust: ReadonlyMap<string, KyvernoTrust>): NamedRule {
  if (rule.match.some(({ of }) => of !== 'image'))
    throw notExpressible(
      'A cluster runs images, not files',
      'patterns of images',
      patternsOf(rule),
      'Give files a rule of their own.',
    )
  const links = rule.links.map((link, index) => ({
    // Two links of a rule may stand for one item: the number keeps the names apart.
    name: `${name}${camel(link.item)}${index + 1}`,
    link,
    cosign: cosignOf(link.signer, rule.trust, trust),
  }))
  return { name, rule, links }
}

function camel(item: string): string {
  return item.replace(/(?:^|-)([a-z])/g, (_, first: string) => first.toUpperCase())
}

/** Pods alone: Kyverno would rewrite texts of the policy for workloads, and a pod is what runs whoever made it. */
function matchConstraints({ namespaces = [] }: KyvernoOptions): object {
  const named = { key: 'kubernetes.io/metadata.name', operator: 'In', values: namespaces }
  return {
    ...(namespaces.length === 0 ? {} : { namespaceSelector: { matchExpressions: [named] } }),
    resourceRules: [
      {
        apiGroups: [''],
        apiVersions: ['v1'],
        operations: ['CREATE', 'UPDATE'],
        resources: ['pods', 'pods/ephemeralcontainers'],
      },
    ],
  }
}

/** 13-adversary 33: image volumes count. Each image once: see `imageValidatingPolicies`. */
function imagesOf(pod: string): string {
  const containers = ['containers', 'initContainers', 'ephemeralContainers'].map(
    kind => `${pod}.spec.?${kind}.orValue([]).map(c, c.?image.orValue(""))`,
  )
  const volumes = `${pod}.spec.?volumes.orValue([]).filter(v, has(v.image)).map(v, v.image.?reference.orValue(""))`
  return `(${[...containers, volumes].join('\n  + ')}).distinct()`
}

/**
 * An update that leaves the images as they are brings nothing new to run, and refusing it would keep the finalizers of a pod
 * whose image was quarantined meanwhile: nobody could remove it.
 */
const CHANGES = `oldObject == null || !has(oldObject.spec) || ${imagesOf('object')}\n!= ${imagesOf('oldObject')}`

/** Kyverno's own three lists would name an image again that stands in two of them. */
const IMAGES = [
  { name: 'containers', expression: imagesOf('object') },
  { name: 'initContainers', expression: '[]' },
  { name: 'ephemeralContainers', expression: '[]' },
]

/** The canonical name of the image at `variable` (13-adversary 34); other spellings of hosts are left to match nothing. */
function nameOf(variable: string): string {
  const read = `parseImageReference(${variable})`
  return `((${read}.registry() == "index.docker.io" ? "docker.io" : ${read}.registry()) + "/" + ${read}.repository())`
}

/** Whether it is one that the rule is about. */
function matchCel(variable: string, { match }: AdmissionRule): string {
  return `isImage(${variable}) && ${nameOf(variable)}\n  .matches(${celText(wholeText(match.map(({ text }) => text)))})`
}

function noRule(allowed: readonly NamedRule[]): object {
  const tests = allowed.map(({ name }) => `image in variables.${name}`)
  return {
    expression: `variables.images.all(image, ${anyOf(tests)})`,
    message: 'No rule of the policy admits an image of this pod.',
  }
}

function quarantine(digests: readonly string[]): readonly object[] {
  if (digests.length === 0) return []
  return [
    {
      expression: `variables.images.all(image, !(parseImageReference(image).digest() in [${digests.map(celText).join(', ')}]))`,
      message: 'An image of this pod is in quarantine.',
    },
  ]
}

/**
 * The statement that a condition sees must be the one whose signature was checked: `extractPayload` gives what the last
 * successful check of that type found, so each check and its conditions stand in one expression, the check first.
 */
function validation(rule: NamedRule, { name, link }: NamedLink, named: (type: string) => string): object {
  const ways = link.predicateTypes.map(type => {
    const attestation = `attestations.${named(type)}`
    const verified = `verifyAttestationSignatures(image, ${attestation}, [attestors.${name}]) > 0`
    const conditions = conditionsOf(link, type)
    if (conditions.length === 0) return verified
    const said = conditionsCel(conditions, { root: 'said', name: nameOf('image') }, ' &&\n  ')
    return `${verified} &&\ncel.bind(said, extractPayload(image, ${attestation}).?predicate,\n  ${said})`
  })
  return {
    expression: `variables.${rule.name}.all(image,\n${anyOf(ways)})`,
    message: `${link.item} does not hold for an image of ${patternsOf(rule.rule)}.`,
  }
}

function patternsOf({ match }: AdmissionRule): string {
  return match.map(({ text }) => text).join(', ')
}

/**
 * A name for each predicate type, made of its last words.
 * @throws `policy/not-expressible` for what Kyverno would take for one of its own short names and read another way.
 */
function attestationNames(types: readonly string[]): (type: string) => string {
  const names = new Map<string, string>()
  for (const type of types) {
    if (!/^[a-z]+:\/\//.test(type))
      throw notExpressible('A predicate type is no URL', 'a URL', type, 'Ask for another item.')
    const words = type.replace(/^[a-z]+:\/\/[^/]*/, '').match(/[A-Za-z0-9]+/g) ?? []
    const word = `type${words.map(part => part.charAt(0).toUpperCase() + part.slice(1)).join('')}`
    const taken = [...names.values()].includes(word)
    names.set(type, taken ? `${word}N${names.size}` : word)
  }
  return type => names.get(type) ?? ''
}
