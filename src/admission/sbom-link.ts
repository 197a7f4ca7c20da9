import type { AllowRule } from '../policy/policy.ts'
import type { AdmissionAll, AdmissionLink } from './link.ts'

/** in-toto attestation framework, predicates SPDX and CycloneDX; the versions that some tools put behind. */
const SPDX = ['', '/v2.2', '/v2.3', '/v3.0', '/v3.0.1'].map(version => `https://spdx.dev/Document${version}`)
const CYCLONEDX = ['', '/v1.4', '/v1.5', '/v1.6', '/1.4', '/1.5', '/1.6'].map(
  version => `https://cyclonedx.org/bom${version}`,
)

/** Each format by the field in which it names itself, as the gate asks (`judgeSbom`). */
const SPDX_CONTENT: AdmissionAll = [
  {
    is: 'any-of',
    of: [[{ path: ['spdxVersion'], is: 'matching', patterns: ['SPDX-**'] }], [{ path: ['@graph'], is: 'list' }]],
  },
]
const CYCLONEDX_CONTENT: AdmissionAll = [{ path: ['bomFormat'], is: 'equal', value: 'CycloneDX' }]

/** `sbom`: a bill of materials by the build's signer. What stands in it is not judged. */
export function sbomLink({ build }: AllowRule): AdmissionLink {
  const [first = '', ...more] = SPDX
  return {
    item: 'sbom',
    signer: build,
    predicateTypes: [first, ...more, ...CYCLONEDX],
    conditions: [],
    perType: new Map([
      ...SPDX.map(type => [type, SPDX_CONTENT] as const),
      ...CYCLONEDX.map(type => [type, CYCLONEDX_CONTENT] as const),
    ]),
  }
}
