import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Digest, sha256 } from '../../src/core/digest.ts'
import { verifiers } from '../../src/entry/gate-trust.ts'
import { lawFromFile } from '../../src/policy/law.ts'
import { sourceDetailStatement } from '../../src/statements/source-detail.ts'
import { sourceSummaryStatement } from '../../src/statements/source-vsa.ts'
import { toPem } from '../fakes/certificate.ts'
import { type Forger, openForger } from '../fakes/forge.ts'
import { p256 } from '../fakes/keys.ts'
import { CI, COMMIT, SAN } from '../policy/images.ts'
import { ANCHOR, POLICY_URI } from '../policy/source-world.ts'
import { POLICY } from '../policy/world.ts'
import { putBundle, putLegacy } from '../registry/evidence-world.ts'
import { hashedBody, logged, signBytes } from '../sigstore/messages.ts'
import { type Bench, openBench } from '../sigstore/support.ts'
import { DETAIL, SUMMARY } from '../statements/source-facts.ts'
import { ImagesWorld, told } from './materials-images-world.ts'

/** Nothing in memory here: certificates, logs, timestamps and registry answer on loopback, and all of it is verified. */
const CLAIMS = {
  ref: 'refs/tags/v1.2.3',
  sha: COMMIT,
  repository_id: '4711',
  repository_owner_id: '42',
  run_id: '1',
} as const
const ROOT = '.github/trust/root.json'

let bench: Bench
let forger: Forger
let world: ImagesWorld
let folder: string
beforeAll(async () => {
  bench = await openBench()
  forger = await openForger(bench.stack, `${bench.stack.registry.host}/acme/app`, 'https://github.com')
  world = await ImagesWorld.open()
  folder = mkdtempSync(join(tmpdir(), 'materials-images-'))
})
afterAll(async () => {
  forger.close()
  await Promise.all([bench.close(), world.close()])
  rmSync(folder, { recursive: true, force: true })
})

const signer = () => `sigstore: {identity: "${SAN}", issuer: "${bench.stack.oidc.issuer}"}, `.replace(/, $/, '')
const signedRule = (name: string) =>
  `  - {match: "ghcr.io/acme/${name}", signers: [{${signer()}}], trust: {file: trust/root.json}}\n`
const waybillRule = (name: string) =>
  `  - {match: "ghcr.io/acme/${name}", waybill: {build: {${signer()}}, require: [signature, provenance, source-signed], source: {policy: "${POLICY_URI}", anchor: "${ANCHOR}", exceptions: deny}, trust: {file: trust/root.json}}}\n`

/** Judges one image under one rule with the gate's own verifier. */
async function judge(name: string, rule: string): Promise<readonly string[]> {
  const files = new Map([[ROOT, readFileSync(bench.stack.trustedRootFile)]])
  const bytes = Buffer.from(`${POLICY}base-images:\n${rule}`)
  const law = lawFromFile(bytes, '.github/waybill.yml', path => files.get(path))
  const verifier = await verifiers({ policy: { law }, cacheFolder: folder, offline: true })
  const { gate } = await world.ports()
  const ports = { gate: { ...gate, verifier, now: new Date() } }
  return told(await world.judge(`FROM ghcr.io/acme/${name}:1`, '', { policy: law.policy, ports }))
}

function attach(name: string, digest: Digest, ...bundles: readonly Uint8Array[]): void {
  const store = world.registry.storage.open(`acme/${name}`)
  for (const bundle of bundles) putBundle(store, { digest }, Buffer.from(bundle).toString())
}

/** The source's summary and detail as the run signs them, with its own certificate. */
async function sourceBundles(): Promise<readonly Uint8Array[]> {
  const subject = { serverUrl: 'https://github.com', repository: 'acme/app', commit: COMMIT }
  const detail = sourceDetailStatement(subject, { ...DETAIL, range: { anchor: ANCHOR, to: COMMIT, count: 3 } })
  const refs = [CI.sourceRepositoryRef ?? ''] as const
  const summary = sourceSummaryStatement({ ...SUMMARY, ...subject, refs, detail: sha256(detail) })
  const session = bench.session({ identityToken: () => bench.stack.oidc.mint(CLAIMS) })
  return [(await session.sign(summary)).bundle, (await session.sign(detail)).bundle]
}

test('an image that cosign 3 signed is verified from registry to certificate', async () => {
  const digest = world.image('acme/three', 'three', { tag: '1' })
  attach('three', digest, await forger.signature(digest, CLAIMS))
  expect(await judge('three', signedRule('three'))).toEqual(['ghcr.io/acme/three:1 passed signature'])
})

test('one by another workflow is not', async () => {
  const digest = world.image('acme/other', 'other', { tag: '1' })
  attach('other', digest, await forger.signature(digest, { ...CLAIMS, ref: 'refs/heads/evil' }))
  const [line] = await judge('other', signedRule('other'))
  expect(line).toMatch(/^ghcr\.io\/acme\/other:1 rejected verify\/identity-mismatch/)
})

test('a signature that was changed proves nothing', async () => {
  const digest = world.image('acme/changed', 'changed', { tag: '1' })
  const bundle = Buffer.from(await forger.signature(world.image('acme/changed', 'another'), CLAIMS)).toString()
  attach('changed', digest, Buffer.from(bundle.replace(/"payload":"[^"]*"/, found => `${found.slice(0, -5)}AAA="`)))
  const [line] = await judge('changed', signedRule('changed'))
  expect(line).toMatch(/^ghcr\.io\/acme\/changed:1 rejected verify\/no-attestation/)
})

test('an image that cosign 2 signed is verified by its .sig tag', async () => {
  const digest = world.image('acme/two', 'two', { tag: '1' })
  const payload = JSON.stringify({
    critical: {
      identity: { 'docker-reference': 'ghcr.io/acme/two' },
      image: { 'docker-manifest-digest': digest },
      type: 'cosign container image signature',
    },
    optional: null,
  })
  const signing = signBytes(bench, Buffer.from(payload), await p256())
  const entry = logged(bench, hashedBody(signing, Buffer.from(payload))) as unknown as Entry
  const annotations = {
    'dev.cosignproject.cosign/signature': signing.signature.toString('base64'),
    'dev.sigstore.cosign/certificate': toPem(signing.certificate ?? Buffer.alloc(0)),
    'dev.sigstore.cosign/bundle': JSON.stringify({
      SignedEntryTimestamp: entry.inclusionPromise.signedEntryTimestamp,
      Payload: {
        body: entry.canonicalizedBody,
        integratedTime: Number(entry.integratedTime),
        logIndex: Number(entry.logIndex),
        logID: Buffer.from(entry.logId.keyId, 'base64').toString('hex'),
      },
    }),
  }
  putLegacy(world.registry.storage.open('acme/two'), digest, 'sig', [{ text: payload, annotations }])
  const rule = signedRule('two')
    .replace(SAN, SAN.replace('refs/tags/v1.2.3', 'refs/heads/main'))
    .replace(bench.stack.oidc.issuer, 'https://issuer.example')
  expect(await judge('two', rule)).toEqual(['ghcr.io/acme/two:1 passed signature'])
  const [line] = await judge('two', signedRule('two'))
  expect(line).toMatch(/^ghcr\.io\/acme\/two:1 rejected verify\/i/)
})

interface Entry {
  readonly logIndex: string
  readonly logId: { readonly keyId: string }
  readonly integratedTime: string
  readonly inclusionPromise: { readonly signedEntryTimestamp: string }
  readonly canonicalizedBody: string
}

test('an image that Waybill made is verified by its whole chain, and not without the part about its source', async () => {
  const digest = world.image('acme/made', 'made', { tag: '1' })
  attach('made', digest, await forger.signature(digest, CLAIMS), await forger.provenance(digest, CLAIMS))
  const [line] = await judge('made', waybillRule('made'))
  expect(line).toMatch(/^ghcr\.io\/acme\/made:1 rejected verify\/.*source/)
  attach('made', digest, ...(await sourceBundles()))
  expect(await judge('made', waybillRule('made'))).toEqual(['ghcr.io/acme/made:1 passed signature'])
})
