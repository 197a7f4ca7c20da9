import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { sha256 } from '../../../src/core/digest.ts'
import { parseJsonObject } from '../../../src/core/json.ts'
import { arrayAt, objectAt, stringMapAt } from '../../../src/core/shape.ts'
import type { Verified } from '../../../src/core/verified.ts'
import { loadTrust } from '../../../src/sigstore/trust/load.ts'
import type { TrustRoot } from '../../../src/sigstore/trust/root.ts'
import type { LegacySignature } from '../../../src/sigstore/verify/legacy.ts'
import {
  type VerificationNeed,
  verifyArtifact,
  verifyBundle,
  verifyLegacy,
} from '../../../src/sigstore/verify/verify.ts'
import { MESSAGE_SIGNATURE, SIMPLE_SIGNING, type SignedStatement } from '../../../src/statements/statement.ts'
import { p256, spki } from '../../fakes/keys.ts'
import { codeOf } from '../support.ts'

/** What real cosigns wrote with real services: `__tests__/vectors/cosign/README.md` says what each file is. */
const FOLDER = join(import.meta.dirname, '..', '..', 'vectors', 'cosign')
const bytesOf = (name: string) => readFileSync(join(FOLDER, name))

const IDENTITY = 'http://127.0.0.1:38183/acme/app/.github/workflows/release.yml@refs/heads/main'
const ISSUER = 'http://127.0.0.1:35657'
const IMAGE = 'sha256:e54363bddb6cdd1c87c1205fcd6521add446e82ca779575aeca9d861b7fccc8d'
const ATTESTED = 'https://cosign.sigstore.dev/attestation/v1'

const content = bytesOf('artifact.txt')
const artifact = { digest: sha256(content), content }
const keyed: VerificationNeed = { keys: [{ publicKey: bytesOf('cosign.pub').toString('utf8') }] }
let trust: TrustRoot
let strange: VerificationNeed
beforeAll(async () => {
  trust = await loadTrust({ trustedRootFile: bytesOf('trusted_root.json') })
  strange = { keys: [{ publicKey: spki((await p256()).publicKey) }] }
})

/** The only layer of a manifest that was pushed. */
function legacyOf(name: 'sig' | 'att' | 'keysig'): LegacySignature {
  const [layer] = arrayAt(parseJsonObject(bytesOf(`${name}.manifest.json`), 'manifest').layers, 'layers')
  const annotations = stringMapAt(objectAt(layer, 'layer').annotations, 'annotations')
  return {
    form: name === 'att' ? 'attestation' : 'signature',
    payload: bytesOf(`${name}.layer0`),
    annotations,
  }
}

/** What it is about, what it says it is, and who signed it. */
function saying({ statement, form, signer }: Verified<SignedStatement>) {
  const { subject, predicateType } = statement
  const by = signer.kind === 'certificate' ? [signer.san.value, signer.issuer] : [signer.kind]
  return [subject.map(({ digest }) => `sha256:${digest.sha256}`), form ?? 'statement', predicateType, ...by]
}
const CERTIFICATE = [IDENTITY, ISSUER]
const KEY = ['key']

describe('cosign 2 beside an image', () => {
  test.each([
    ['sig', 'simple-signing', SIMPLE_SIGNING],
    ['att', 'statement', ATTESTED],
  ] as const)('%s, keyless', (name, form, type) => {
    expect(saying(verifyLegacy(legacyOf(name), trust))).toEqual([[IMAGE], form, type, ...CERTIFICATE])
  })

  test('a signature by a key verifies with that key alone', async () => {
    const legacy = legacyOf('keysig')
    expect(saying(verifyLegacy(legacy, trust, keyed))).toEqual([[IMAGE], 'simple-signing', SIMPLE_SIGNING, ...KEY])
    expect(await codeOf(() => verifyLegacy(legacy, trust, strange))).toBe('sigstore/key-unknown')
    expect(await codeOf(() => verifyLegacy(legacy, trust))).toBe('sigstore/key-unknown')
  })

  test('no payload verifies with the annotations of another', async () => {
    const names = ['sig', 'att', 'keysig'] as const
    const pairs = names.flatMap(one => names.filter(other => other !== one).map(other => [one, other] as const))
    for (const [one, other] of pairs) {
      const mixed = { ...legacyOf(one), annotations: legacyOf(other).annotations }
      expect([one, other, await codeOf(() => verifyLegacy(mixed, trust, keyed))]).not.toContain(undefined)
    }
  })

  test('log and timestamp of an attestation are about the very text that lies beside the image', async () => {
    const legacy = legacyOf('att')
    const text = Buffer.from(legacy.payload).toString('utf8')
    const spaced = { ...legacy, payload: Buffer.from(text.replace('{"payloadType"', '{ "payloadType"')) }
    expect(spaced.payload.byteLength).toBe(legacy.payload.byteLength + 1)
    expect(await codeOf(() => verifyLegacy(spaced, trust))).toBe('sigstore/timestamp-invalid')
    const { 'dev.sigstore.cosign/rfc3161timestamp': _, ...annotations } = legacy.annotations
    expect(await codeOf(() => verifyLegacy({ ...legacy, annotations }, trust))).toBeUndefined()
    expect(await codeOf(() => verifyLegacy({ ...spaced, annotations }, trust))).toBe('sigstore/log-entry-invalid')
  })
})

describe('bundles of cosign 2 and 3 beside a file', () => {
  const other = Buffer.from('other bytes\n')
  test.each([
    ['blob2', {}, 'message', MESSAGE_SIGNATURE, CERTIFICATE],
    ['blob3', {}, 'message', MESSAGE_SIGNATURE, CERTIFICATE],
    ['keyblob2', keyed, 'message', MESSAGE_SIGNATURE, KEY],
    ['keyblob3', keyed, 'message', MESSAGE_SIGNATURE, KEY],
    ['attblob2', {}, 'statement', ATTESTED, CERTIFICATE],
    ['attblob3', {}, 'statement', ATTESTED, CERTIFICATE],
  ] as const)('%s', async (name, need, form, type, by) => {
    const bundle = bytesOf(`${name}.sigstore.json`)
    const expected = [[artifact.digest], form, type, ...by]
    expect(saying(await verifyArtifact(bundle, artifact, trust, need))).toEqual(expected)
    // Its digest is enough, for cosign's keys are ECDSA.
    expect(saying(await verifyArtifact(bundle, { digest: artifact.digest }, trust, need))).toEqual(expected)
    if (form === 'statement') return
    const elsewhere = { digest: sha256(other), content: other }
    expect(await codeOf(() => verifyArtifact(bundle, elsewhere, trust, need))).toBe('sigstore/artifact-mismatch')
    expect(await codeOf(() => verifyBundle(bundle, trust, need))).toBe('sigstore/bundle-unsupported')
  })

  test.each(['keyblob2', 'keyblob3'])('%s verifies with no other key', async name => {
    const bundle = bytesOf(`${name}.sigstore.json`)
    expect(await codeOf(() => verifyArtifact(bundle, artifact, trust, strange))).toBe('sigstore/key-unknown')
    expect(await codeOf(() => verifyArtifact(bundle, artifact, trust))).toBe('sigstore/key-unknown')
  })

  test('neither logged nor timestamped, a signature has no time at which its key was good', async () => {
    const bundle = bytesOf('keyblob-nolog2.sigstore.json')
    expect(await codeOf(() => verifyArtifact(bundle, artifact, trust, keyed))).toBe('sigstore/log-missing')
    const unlogged = { ...keyed, logs: 0 }
    expect(await codeOf(() => verifyArtifact(bundle, artifact, trust, unlogged))).toBe('sigstore/time-missing')
  })
})
