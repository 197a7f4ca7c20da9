import { generateKeyPairSync } from 'node:crypto'
import type { Admission } from '../../src/admission/link.ts'
import { admissionOf } from '../../src/admission/links.ts'
import { utf8 } from '../../src/core/bytes.ts'
import { lawFromFile } from '../../src/policy/law.ts'

export const PEM = String(
  generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ type: 'spki', format: 'pem' }),
)

export const URI = 'git+https://github.com/acme/app#.github/waybill.yml'

/** Who builds and who deploys in the tests. */
export const BUILD =
  '{github: {repository: acme/app, repository-id: 4711, signer: "acme/app/.github/workflows/release.yml@refs/tags/v*", source-ref: ["refs/tags/v*"], trigger: [push, release], runner: github-hosted}}'
export const DEPLOYER =
  '{github: {repository: acme/deploy, repository-id: 4712, signer: "acme/deploy/.github/workflows/deploy.yml@refs/heads/main", source-ref: [refs/heads/main], environment: production}}'
export const SOURCE = `{policy: "${URI}", anchor: ${'8'.repeat(40)}, exceptions: allow}`

/** The law of a `deploy:` block, one rule an item. */
export function lawOf(rules: readonly string[], more = '', files: Readonly<Record<string, string>> = {}) {
  const text = `version: 1\n${more}deploy:\n${rules.map(rule => `  - ${rule}\n`).join('')}`
  return lawFromFile(utf8(text), 'waybill.yml', path => utf8(files[path] ?? PEM))
}

export function admitted(rules: readonly string[], more = ''): Admission {
  const law = lawOf(rules, more)
  return admissionOf(law.policy, { uri: URI, digest: law.policyDigest })
}
