import { utf8 } from '../../src/core/bytes.ts'
import { parseCommitId } from '../../src/core/digest.ts'
import { isMalformed } from '../../src/core/facts.ts'
import { suggestPolicy } from '../../src/pipeline/suggest-policy.ts'
import { parsePolicy } from '../../src/policy/parse.ts'
import { parseCommit } from '../../src/source/commit.ts'
import { loadKeyring } from '../../src/source/keyring.ts'
import { checkSignature } from '../../src/source/verify.ts'
import { withSignature } from '../fakes/repository.ts'
import { certify, makeSshKey, sshsigOf } from '../fakes/ssh-keys.ts'
import { makeSshSigner } from '../fakes/ssh-signer.ts'

async function seen(email: string, signed = true, sign = makeSshSigner().sign) {
  const person = `Alice <${email}> 1780000000 +0000`
  const payload = `tree ${'a'.repeat(40)}\nauthor ${person}\ncommitter ${person}\n\nHello\n`
  const text = signed ? withSignature(payload, sign(utf8(payload)).trimEnd()) : payload
  const commit = parseCommit(parseCommitId('b'.repeat(40)), utf8(text))
  if (isMalformed(commit)) throw new Error(commit.malformed.message)
  return { commit, fact: await checkSignature(commit, await loadKeyring([])) }
}

test('suggestPolicy() writes a policy that parses, with every key that signed', async () => {
  const text = suggestPolicy([await seen('alice@example.com'), await seen('bob@example.com')], 'refs/heads/main')
  const policy = parsePolicy(utf8(text ?? ''), '.github/waybill.yml')
  expect(policy.principals.size).toBe(2)
  expect(policy.source).toHaveLength(1)
})

test('suggestPolicy() names security keys, and never an authority that one commit shows', async () => {
  const [authority, key] = [makeSshKey('ed25519'), makeSshKey('sk-ed25519')]
  const device = await seen('alice@example.com', true, bytes => sshsigOf(key, bytes))
  const policy = parsePolicy(utf8(suggestPolicy([device], 'refs/heads/main') ?? ''), '.github/waybill.yml')
  expect([...policy.principals.values()][0]?.signers).toMatchObject([{ fingerprint: key.fingerprint }])
  const holder = certify(authority, key)
  const certified = await seen('alice@example.com', true, bytes => sshsigOf(key, bytes, { holder }))
  expect(certified.fact).toMatchObject({ kind: 'ssh', certificate: { authority: authority.fingerprint } })
  expect(suggestPolicy([certified], 'refs/heads/main')).toBeUndefined()
})

test('suggestPolicy() says nothing when nobody signed', async () => {
  expect(suggestPolicy([await seen('alice@example.com', false)], 'refs/heads/main')).toBeUndefined()
})

test.each(['a"}]\nx: y@example.com', 'a\u202eb@example.com', "'@example.com#\u0000"])(
  'suggestPolicy() takes no address into the file that could say more than an address: %j',
  async email => {
    const made = await seen(email).catch(() => undefined)
    expect(made === undefined ? undefined : suggestPolicy([made], 'refs/heads/main')).toBeUndefined()
  },
)
