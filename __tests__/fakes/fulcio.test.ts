import { generateKeyPairSync, sign, X509Certificate } from 'node:crypto'
import { X509Certificate as SigstoreCertificate } from '@sigstore/core'
import { generateKeyPair, SignJWT } from 'jose'
import type { ClaimOverrides } from './claims.ts'
import { extensionText, leafOf, referenceBundle, referenceVerify } from './reference-signer.ts'
import { type Stack, startStack } from './stack.ts'

let stack: Stack
beforeAll(async () => {
  stack = await startStack({ platform: 'https://github.com' })
})
afterAll(() => stack.close())

/** A request as a client makes it; parts can be replaced by wrong ones. */
async function askForCertificate(parts: { token: string; subject?: string; proofKey?: 'other'; body?: object }) {
  const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const other = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const subject = parts.subject ?? 'repo:acme/app:ref:refs/heads/main'
  const proof = sign('sha256', Buffer.from(subject), parts.proofKey === 'other' ? other.privateKey : keys.privateKey)
  const content = keys.publicKey.export({ type: 'spki', format: 'pem' })
  const body = parts.body ?? {
    credentials: { oidcIdentityToken: parts.token },
    publicKeyRequest: { publicKey: { algorithm: 'ECDSA', content }, proofOfPossession: proof.toString('base64') },
  }
  return fetch(`${stack.fulcio.url}/api/v2/signingCert`, { method: 'POST', body: JSON.stringify(body) })
}

describe('the Fulcio double', () => {
  test.each([
    [1, 'raw'],
    [8, 'UTF8String'],
  ])('writes the issuer into extension .%i (%s)', async id => {
    expect(extensionText(leafOf(await referenceBundle(stack)), id)).toBe(stack.oidc.url)
  })

  test('writes each claim where Fulcio writes it', async () => {
    const certificate = leafOf(
      await referenceBundle(stack, { claims: { run_attempt: '3', environment: 'production' } }),
    )
    const { sha } = stack.oidc.claims()
    const workflow = 'https://github.com/acme/app/.github/workflows/release.yml@refs/heads/main'
    const texts = Object.fromEntries(
      Array.from({ length: 24 }, (_, at) => [at + 1, extensionText(certificate, at + 1)]),
    )
    expect(texts).toEqual({
      1: stack.oidc.url,
      2: 'push',
      3: sha,
      4: 'release',
      5: 'acme/app',
      6: 'refs/heads/main',
      7: undefined,
      8: stack.oidc.url,
      9: workflow,
      10: sha,
      11: 'github-hosted',
      12: 'https://github.com/acme/app',
      13: sha,
      14: 'refs/heads/main',
      15: '792829709',
      16: 'https://github.com/acme',
      17: '39804210',
      18: workflow,
      19: sha,
      20: 'push',
      21: 'https://github.com/acme/app/actions/runs/11997537386/attempts/3',
      22: 'public',
      23: 'production',
      24: 'repo:acme/app:environment:production',
    })
  })

  test('13-adversary 28: lets a reusable workflow be the signer while the caller stays in .18', async () => {
    const job = 'acme/tools/.github/workflows/build.yml@refs/tags/v1'
    const certificate = leafOf(
      await referenceBundle(stack, { claims: { job_workflow_ref: job, job_workflow_sha: 'b'.repeat(40) } }),
    )
    expect(SigstoreCertificate.parse(certificate).subjectAltName).toBe(`https://github.com/${job}`)
    expect(extensionText(certificate, 18)).toMatch(/acme\/app\/.github\/workflows\/release.yml@refs\/heads\/main$/)
    expect(extensionText(certificate, 10)).toBe('b'.repeat(40))
  })

  test('issues ten minutes, below a chain that node:crypto also accepts', async () => {
    const leaf = new X509Certificate(leafOf(await referenceBundle(stack)))
    const intermediate = new X509Certificate(stack.fulcio.intermediate.certificate)
    const root = new X509Certificate(stack.fulcio.root.certificate)
    expect(leaf.verify(intermediate.publicKey) && leaf.checkIssued(intermediate)).toBe(true)
    expect(intermediate.verify(root.publicKey) && intermediate.checkIssued(root) && root.verify(root.publicKey)).toBe(
      true,
    )
    expect(Date.parse(leaf.validTo) - Date.parse(leaf.validFrom)).toBe(600_000)
    expect([leaf.ca, intermediate.ca, root.ca]).toEqual([false, true, true])
  })

  test('says what a forged token says: that is for the verifier to judge', async () => {
    const certificate = leafOf(
      await referenceBundle(stack, { claims: { repository_id: '1', runner_environment: 'self-hosted' } }),
    )
    expect([extensionText(certificate, 15), extensionText(certificate, 11)]).toEqual(['1', 'self-hosted'])
  })

  test.each([
    { given: 'a proof over another subject', parts: { subject: 'repo:acme/other:ref:refs/heads/main' } },
    { given: 'a proof by another key', parts: { proofKey: 'other' as const } },
    { given: 'a body that is none', parts: { body: {} } },
  ])('refuses $given', async ({ parts }) => {
    const answer = await askForCertificate({ token: await stack.oidc.mint(), ...parts })
    expect(answer.status).toBe(400)
  })

  test.each<{ given: string; claims: ClaimOverrides }>([
    { given: 'another audience', claims: { aud: 'https://github.com/acme' } },
    { given: 'an issuer it was not told of', claims: { iss: 'https://token.actions.githubusercontent.com' } },
    { given: 'an expired token', claims: { exp: 1_000_000_000 } },
    { given: 'a token without a claim the certificate needs', claims: { job_workflow_ref: null } },
  ])('refuses $given', async ({ claims }) => {
    expect((await askForCertificate({ token: await stack.oidc.mint(claims) })).status).toBe(400)
  })

  test('refuses a token signed by somebody else', async () => {
    const { privateKey: key } = await generateKeyPair('RS256')
    const token = await new SignJWT({
      ...stack.oidc.claims(),
      iss: stack.oidc.issuer,
      aud: 'sigstore',
      exp: 4_000_000_000,
    })
      .setProtectedHeader({ alg: 'RS256', kid: '38826b17-6a30-5f9b-b169-8beb8202f723' })
      .sign(key)
    expect((await askForCertificate({ token })).status).toBe(400)
  })

  test('a clock that is wrong makes certificates whose time does not fit', async () => {
    stack.fulcio.clockOffsetMs = 3_600_000
    try {
      const bundle = await referenceBundle(stack)
      expect(() => referenceVerify(stack, bundle)).toThrow(/certificate is not valid|Failed to verify/)
    } finally {
      stack.fulcio.clockOffsetMs = 0
    }
  })

  test('accepts the real issuer name when it is told where that is served', async () => {
    const issuer = 'https://token.actions.githubusercontent.com'
    await using own = await startStack({ issuer })
    const signer = referenceVerify(own, await referenceBundle(own))
    expect(signer.identity?.extensions?.issuer).toBe(issuer)
  })
})
