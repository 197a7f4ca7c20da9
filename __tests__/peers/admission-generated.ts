import { readFileSync } from 'node:fs'
import { parseAllDocuments } from 'yaml'
import { imageValidatingPolicies } from '../../src/admission/kyverno.ts'
import type { Admission, AdmissionFile } from '../../src/admission/link.ts'
import { admissionOf } from '../../src/admission/links.ts'
import { clusterImagePolicies } from '../../src/admission/policy-controller.ts'
import { utf8 } from '../../src/core/bytes.ts'
import type { Digest } from '../../src/core/digest.ts'
import { type Law, lawFromFile } from '../../src/policy/law.ts'
import type { KubernetesObject } from '../../tools/peers/kubernetes-client.ts'
import { type Admitted, DEPLOY, SHARED } from './admission.ts'
import type { TufMirror } from './tuf.ts'
import type { World } from './world.ts'

/** The policies that Waybill generates for what a cluster is told to admit, from the text of a policy file. */
const ROOT = 'trusted_root.json'

interface Generated {
  readonly law: Law
  readonly admission: Admission
  readonly policy: { readonly uri: string; readonly digest: Digest }
}

/** `world` needs a git server that a policy can name: `openWorld({ tls })`. */
function generated({ stack }: World, { repository, deployer, quarantined }: Admitted): Generated {
  const run = (signer: string, more: string) =>
    `{ repository: acme/app, repository-id: 792829709, signer: "${signer}", source-ref: [refs/heads/main], server: "${stack.git.url}", issuer: "${stack.oidc.issuer}", ${more} }`
  const held = quarantined
    .map(digest => `  - { digest: "${digest}", reason: an exercise, since: 2026-05-02 }\n`)
    .join('')
  const text = `version: 1
${held === '' ? '' : `quarantined:\n${held}`}deploy:
  - match: ["${repository}"]
    trust: { file: ${ROOT} }
    build:
      github: ${run(SHARED, 'caller: "acme/app/.github/workflows/release.yml@refs/heads/main", runner: github-hosted')}
      builders: [buildx, layout]
    require: [signature, provenance]
    deployer: { github: ${run(DEPLOY, `environment: ${deployer.environment}`)} }
    admit: [deploy-verified]
`
  const law = lawFromFile(utf8(text), 'waybill.yml', () => readFileSync(stack.trustedRootFile))
  const policy = { uri: deployer.policyUri, digest: law.policyDigest }
  return { law, admission: admissionOf(law.policy, policy), policy }
}

export function controllerPolicies(world: World, admitted: Admitted): readonly AdmissionFile[] {
  const { law, admission, policy } = generated(world, admitted)
  const options = { policy, command: 'waybill policy generate', files: law.files, namespaces: [] }
  return clusterImagePolicies(admission, options)
}

/** The same as objects, in the order in which a cluster must get them, without the configuration of the controller. */
export function controllerObjects(world: World, admitted: Admitted): readonly KubernetesObject[] {
  const order = ['TrustRoot', 'ClusterImagePolicy']
  return controllerPolicies(world, admitted)
    .flatMap(objectsIn)
    .filter(({ kind }) => order.includes(kind))
    .sort((a, b) => order.indexOf(a.kind) - order.indexOf(b.kind))
}

/** @param root where Kyverno fetches the trust root. */
export function kyvernoPolicies(
  world: World,
  admitted: Admitted,
  { url, root }: TufMirror,
  namespaces: readonly string[] = [],
): readonly AdmissionFile[] {
  const trust = new Map([[ROOT, { tuf: { mirror: url, root } }]])
  return imageValidatingPolicies(generated(world, admitted).admission, { header: ['Generated.'], trust, namespaces })
}

export function objectsIn({ text }: AdmissionFile): readonly KubernetesObject[] {
  return parseAllDocuments(text)
    .map(document => document.toJSON() as KubernetesObject | null)
    .filter(object => object !== null)
}
