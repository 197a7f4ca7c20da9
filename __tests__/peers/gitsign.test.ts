import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { jest } from '@jest/globals'
import { bundleToJSON } from '@sigstore/bundle'
import { parseTrustRoot } from '../../src/sigstore/trust/root.ts'
import { evidenceOf } from '../../src/sigstore/verify/message.ts'
import { decodeCmsArmor } from '../../src/source/armor.ts'
import { parseCms } from '../../src/source/cms.ts'
import { readLogEntry } from '../../src/source/gitsign-entry.ts'
import { Keyring } from '../../src/source/keyring.ts'
import { checkSignature } from '../../src/source/verify.ts'
import {
  type GitsignServices,
  gitsign,
  gitsignArmor,
  gitsignEntry,
  gitsignSignature,
  serialiseEntry,
} from '../fakes/gitsign.ts'
import { withSignature } from '../fakes/repository.ts'
import { commitOf } from '../source/support.ts'
import { Matrix } from './matrix.ts'
import { cosign, expectedOf, openWorld, type World } from './world.ts'

/** Commits signed as gitsign signs, with certificate, log entry and timestamp of real services. */
jest.setTimeout(180_000)

const matrix = new Matrix('gitsign')
let world: World
beforeAll(async () => {
  world = await openWorld()
})
afterAll(async () => {
  matrix.write()
  await world?.close()
})

const PERSON = 'Alice <alice@example.com> 1767225600 +0000'
const PAYLOAD = Buffer.from(
  `tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\nauthor ${PERSON}\ncommitter ${PERSON}\n\nSign with gitsign\n`,
)

function services(): GitsignServices {
  const { oidc, fulcio, rekorV1, rekorV2, timestamp } = world.stack
  return { oidc, fulcio, rekorV1, rekorV2, timestamp }
}

function judge(armor: string, payload = PAYLOAD) {
  const trust = parseTrustRoot(new Uint8Array(readFileSync(world.stack.trustedRootFile)), 'file')
  const keyring = new Keyring([], { sigstoreTrust: async () => trust })
  return checkSignature(commitOf(withSignature(payload.toString(), armor)), keyring)
}

test.each([
  { rekor: 1, timestamp: false, from: 'log' },
  { rekor: 1, timestamp: true, from: 'log' },
  { rekor: 2, timestamp: true, from: 'timestamp' },
] as const)('a commit signed as gitsign does, Rekor v$rekor, timestamp $timestamp, is valid', async options => {
  const armor = await gitsign(services(), PAYLOAD, options)
  const { identity, issuer } = expectedOf(world)
  const fact = await judge(armor)
  matrix.record(`Rekor v${options.rekor}, timestamp ${options.timestamp}`, { waybill: fact.kind === 'gitsign' ? 0 : 1 })
  expect(fact).toMatchObject({ kind: 'gitsign', identity, issuer, trustedTime: { from: options.from } })
  expect(await judge(armor, Buffer.from(PAYLOAD.toString().replace('Sign', 'Sing')))).toMatchObject({
    kind: 'rejected',
    code: 'source/bad-signature',
  })
})

test('an entry of the real log that is of another commit is rejected', async () => {
  const [made, another] = await Promise.all([
    gitsignSignature(services(), PAYLOAD),
    gitsignSignature(services(), Buffer.from('another')),
  ])
  const entry = serialiseEntry(await gitsignEntry(services(), another))
  const fact = await judge(gitsignArmor(made, { entry }))
  expect(fact).toMatchObject({ kind: 'rejected', code: 'sigstore/log-entry-invalid' })
})

test.each([1, 2] as const)(
  'cosign 3 accepts the same signature, Rekor v%d, once it is written as a bundle',
  async rekor => {
    const cms = parseCms(decodeCmsArmor(await gitsign(services(), PAYLOAD, { rekor })))
    const parts = { certificate: cms.signer.der, signed: cms.signed, signature: cms.signature }
    const entries = cms.logEntry === undefined ? [] : [readLogEntry(cms.logEntry, parts)]
    const { bundle } = evidenceOf({ ...parts, entries, tokens: cms.timestamp === undefined ? [] : [cms.timestamp] })
    const { folder, trustedRootFile } = world.stack
    const [bundleFile, blob] = [join(folder, `gitsign-${rekor}.json`), join(folder, `gitsign-${rekor}.bin`)]
    writeFileSync(bundleFile, JSON.stringify(bundleToJSON(bundle)))
    const verify = async (bytes: Uint8Array) => {
      writeFileSync(blob, bytes)
      const { identity, issuer } = expectedOf(world)
      const who = [`--certificate-identity=${identity}`, `--certificate-oidc-issuer=${issuer}`]
      const stamped = rekor === 2 ? ['--use-signed-timestamps'] : []
      const what = [`--bundle=${bundleFile}`, `--trusted-root=${trustedRootFile}`, ...stamped]
      return cosign(world, 'cosign3', ['verify-blob', ...what, ...who, blob])
    }
    const accepted = await verify(cms.signed)
    matrix.record(`cosign 3, Rekor v${rekor}`, { cosign3: accepted.code })
    expect(`${accepted.code} ${accepted.code === 0 ? '' : accepted.log}`).toBe('0 ')
    expect((await verify(Buffer.concat([cms.signed, Buffer.of(0)]))).code).not.toBe(0)
  },
)
