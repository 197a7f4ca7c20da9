import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CATALOGUE } from '../../src/core/catalogue.ts'
import { runGate } from '../../src/entry/gate.ts'
import { openReplay } from '../../src/entry/gate-replay.ts'
import { NO_SUBJECTS } from '../../src/entry/gate-subjects.ts'
import { OfflineHttpClient } from '../../src/io/offline-http.ts'
import { keepEvidence } from '../../src/pipeline/kept.ts'
import { ANONYMOUS } from '../../src/registry/credentials.ts'
import { KEPT } from '../pipeline/kept-world.ts'

let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gate-options-'))
})

afterEach(() => rmSync(folder, { recursive: true, force: true }))

/** The gate on a disk, with flags that name an identity. */
function gate(change: Partial<Parameters<typeof runGate>[0]>) {
  return runGate({
    command: 'verify image',
    subjects: { ...NO_SUBJECTS, images: [`ghcr.io/acme/app@sha256:${'0'.repeat(64)}`], folder },
    flags: { certificateIdentity: 'alice@example.com', certificateOidcIssuer: 'https://accounts.example.com' },
    stage: 'deploy',
    bundleFiles: [],
    offline: true,
    http: new OfflineHttpClient(),
    credentials: ANONYMOUS,
    insecureRegistries: [],
    cacheFolder: folder,
    now: new Date(),
    ...change,
  })
}

test('13-adversary 38: --stage run with flags is refused, for no flag says what must hold where an image runs', async () => {
  await expect(gate({ stage: 'run' })).rejects.toMatchObject({ code: 'policy/expectation-unclear' })
  expect((await gate({})).receipt.verdict).toBe('unknown')
})

test('13-adversary 29: what the policy of a replayed folder says is not said otherwise by a flag that is then ignored', async () => {
  const digest = await keepEvidence(join(folder, 'kept'), KEPT)
  const open = (change: object) =>
    openReplay(`kept@${digest}`, folder, { flags: false, trustedRoot: false, require: false, ...change })
  expect((await open({})).policy).toBeDefined()
  await expect(open({ trustedRoot: true })).rejects.toMatchObject({ code: 'entry/usage', found: '--trusted-root' })
  await expect(open({ require: true })).rejects.toMatchObject({ code: 'entry/usage', found: '--require' })
  expect((await open({ flags: true, trustedRoot: true, require: true })).policy).toBeUndefined()
})

/** A file without a bundle, and a key that would have to have signed it: no trust root is needed. */
function lonelyFile(): Partial<Parameters<typeof runGate>[0]> {
  const keyFile = join(folder, 'key.pub')
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  writeFileSync(keyFile, publicKey.export({ type: 'spki', format: 'pem' }))
  writeFileSync(join(folder, 'app.tgz'), 'app')
  return { flags: {}, keyFile, subjects: { ...NO_SUBJECTS, files: ['app.tgz'], folder } }
}

test('13-adversary 26: offline and without any evidence nothing was checked: unknown, and it says what to give', async () => {
  const { receipt } = await gate(lonelyFile())
  expect(receipt.verdict).toBe('unknown')
  expect(receipt.subjects[0]?.findings[0]).toMatchObject({
    code: 'verify/incomplete',
    found: expect.stringContaining('core/offline'),
    remedy: CATALOGUE['core/offline'].remedy,
  })
})

test('13-adversary 26: what was named as evidence must suffice, offline too: rejected', async () => {
  const named = join(folder, 'other.sigstore.json')
  writeFileSync(named, '{}')
  expect((await gate({ ...lonelyFile(), bundleFiles: [named] })).receipt.verdict).toBe('rejected')
  // Online there is no further place for this file either, so that everything was looked at.
  expect((await gate({ ...lonelyFile(), offline: false })).receipt.verdict).toBe('rejected')
})
