import { join } from 'node:path'
import { signatureStatement } from '../../src/statements/signature.ts'
import { expectGolden } from '../report/golden.ts'

test('signatureStatement() is what cosign 3 writes: an empty predicate and subjects without names, each digest once', () => {
  const bytes = signatureStatement([
    { name: 'ghcr.io/acme/app', digest: { sha256: '1'.repeat(64) } },
    { name: 'quay.io/acme/app', digest: { sha256: '1'.repeat(64) } },
    { name: 'ghcr.io/acme/app#linux/amd64', digest: { sha256: '2'.repeat(64) } },
  ])
  const document = JSON.parse(new TextDecoder().decode(bytes))
  expectGolden(join(import.meta.dirname, 'golden/signature.json.txt'), `${JSON.stringify(document, null, 2)}\n`)
})
