import { sha256 } from '../../src/core/digest.ts'
import type { Finding } from '../../src/core/verdict.ts'
import { parseManifest } from '../../src/materials/manifest/parse.ts'
import { withPinningRemedy } from '../../src/pipeline/materials-images-findings.ts'
import { parseReference } from '../../src/registry/reference.ts'

const DIGEST = sha256('base')
const UNSIGNED: Finding = {
  code: 'verify/no-attestation',
  severity: 'reject',
  subject: 'x',
  message: 'No signature was found',
  remedy: 'Have it signed.',
}
const remedyOf = (text: string, finding = UNSIGNED) => withPinningRemedy(finding, parseReference(text), DIGEST).remedy

test('the item to paste for a tag that nobody signed is one that a manifest takes', () => {
  const [, item = ''] = /: (- \{name.*)$/.exec(remedyOf('ghcr.io/acme/base:1')) ?? []
  const manifest = new TextEncoder().encode(`version: 1\nmaterials:\n  ${item}\n`)
  expect(parseManifest(manifest, 'm.yml')[0]?.uri.canonical).toBe('docker-image://ghcr.io/acme/base:1')
})

test('a digest in the Dockerfile needs no item: a rule that trusts it is enough', () => {
  const remedy = remedyOf(`ghcr.io/acme/base@${DIGEST}`)
  expect(remedy).toContain('- {match: "ghcr.io/acme/base", digest-lock: true}')
  expect(remedy).not.toContain('docker-image://')
})

test('what was signed by a stranger is not pinned away', () => {
  expect(remedyOf('ghcr.io/acme/base:1', { ...UNSIGNED, code: 'verify/wrong-identity' as Finding['code'] })).toBe(
    'Have it signed.',
  )
})
