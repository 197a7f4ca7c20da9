import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sha256 } from '../../src/core/digest.ts'
import type { ErrorCode } from '../../src/core/error.ts'
import { fail } from '../../src/core/error.ts'
import { type Finding, findingOf } from '../../src/core/verdict.ts'
import {
  type QuarantineMode,
  type QuarantinePorts,
  type QuarantineSubject,
  quarantineRejected,
} from '../../src/pipeline/quarantine.ts'
import { changedFile } from '../../src/pipeline/quarantine-changed-file.ts'
import { quarantineMessage, reasonOf } from '../../src/pipeline/quarantine-message.ts'
import { attachRecord, recordSigner, signRecord } from '../../src/pipeline/quarantine-record.ts'
import { fetchBundles } from '../../src/registry/bundles.ts'
import { quarantineTag } from '../../src/registry/quarantine-tag.ts'
import type { SubjectReceipt } from '../../src/report/receipt.ts'
import { verifyBundle } from '../../src/sigstore/verify/verify.ts'
import { readQuarantine } from '../../src/statements/quarantine.ts'
import { closeAll, connect, pushImage } from '../registry/support.ts'
import { type Bench, openBench, SAN, statement } from '../sigstore/support.ts'

let bench: Bench
let folder: string
beforeAll(async () => {
  bench = await openBench()
})
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'waybill-quarantine-'))
})
afterEach(async () => {
  await closeAll()
  await rm(folder, { recursive: true, force: true })
})
afterAll(() => bench.close())

const WRONG_SIGNER: Finding = {
  code: 'verify/identity-mismatch',
  severity: 'reject',
  subject: 'app',
  message: 'The certificate’s identity is not the expected one',
  expected: 'alice@example.com',
  found: 'mallory@example.com',
  remedy: 'Compare the two',
}

function rejected(name: string, digest: string, ...codes: readonly ErrorCode[]): SubjectReceipt {
  const findings = codes.length === 0 ? [WRONG_SIGNER] : codes.map(code => findingOf(fail(code, code), name))
  return { name, digest, verdict: 'rejected', findings }
}

async function fileSubject(text = 'tampered'): Promise<QuarantineSubject & { file: { path: string } }> {
  const path = join(folder, 'app.tgz')
  await writeFile(path, text)
  return { receipt: rejected('app.tgz', sha256(text)), file: { path }, environment: 'production' }
}

async function imageSubject(seed: string, tag = 'v1') {
  const connection = connect(bench.stack.registry.host)
  const { client, repository } = connection
  const { descriptor, bytes } = await pushImage(connection, seed)
  await client.putManifest(repository, tag, descriptor.mediaType, bytes)
  const receipt = rejected(`${repository.host}/acme/app:${tag}`, descriptor.digest)
  const ports: QuarantinePorts = {
    signer: () => recordSigner(bench.session()),
    keep: async (name, content) => {
      await writeFile(join(folder, name), content)
      return join(folder, name)
    },
  }
  const recorded = async () => {
    const { bundles } = await fetchBundles(client, repository, descriptor.digest)
    return bundles.map(({ bytes }) => verifyBundle(bytes, bench.trust))
  }
  const subject: QuarantineSubject = {
    receipt,
    image: { repository, tag, registry: client, describe: async () => descriptor },
    environment: 'production',
  }
  return { client, repository, descriptor, subject, ports, recorded }
}

const request = (mode: QuarantineMode) => ({
  mode,
  directory: join(folder, 'held'),
  policy: { uri: 'git+https://github.com/acme/app#.github/waybill.yml', digest: sha256('policy') },
  now: new Date('2026-06-01T12:00:00Z'),
})

test('13-adversary 31: a file with a wrong signer is moved, and the message has everything its reader needs', async () => {
  const subject = await fileSubject()
  const [outcome] = await quarantineRejected([subject], request('files'))
  expect(outcome).toMatchObject({ quarantined: true, codes: ['verify/identity-mismatch'], problems: [] })
  const { moved = '', record = '' } = outcome?.file ?? {}
  expect(await readFile(moved, 'utf8')).toBe('tampered')
  expect(JSON.parse(await readFile(record, 'utf8'))).toMatchObject({
    expected: 'alice@example.com',
    found: 'mallory@example.com',
    environment: 'production',
    policy: { uri: request('files').policy.uri },
  })
  for (const word of [
    'alice@example.com',
    'mallory@example.com',
    'verify/identity-mismatch',
    moved,
    `release '${record}'`,
  ])
    expect(outcome?.message).toContain(word)
})

test.each([
  ['verify/environment-mismatch', 'no failure of integrity'],
  ['verify/no-attestation', 'missing'],
] as const)('13-adversary 31: a file that is refused for %s stays where it is', async (code, reason) => {
  const { file, receipt } = await fileSubject()
  const subject = { file, receipt: rejected(receipt.name, receipt.digest, code) }
  const [outcome] = await quarantineRejected([subject], request('retag'))
  expect(outcome).toMatchObject({ quarantined: false, reason: expect.stringContaining(reason), message: '' })
  expect(await readFile(file.path, 'utf8')).toBe('tampered')
})

test('what is unknown or passed is no case at all, and neither is anything when quarantine is off', async () => {
  const subject = await fileSubject()
  const others = (['unknown', 'passed'] as const).map(verdict => ({
    ...subject,
    receipt: { ...subject.receipt, verdict },
  }))
  expect(await quarantineRejected(others, request('files'))).toEqual([])
  expect(await quarantineRejected([subject], request('off'))).toEqual([])
})

test('a file that cannot be moved stays rejected, and stops nobody else', async () => {
  const gone: QuarantineSubject = { receipt: rejected('gone', sha256('gone')), file: { path: join(folder, 'gone') } }
  const subject = await fileSubject()
  const outcomes = await quarantineRejected([gone, subject], request('files'))
  expect(outcomes.map(({ quarantined }) => quarantined)).toEqual([false, true])
  expect(outcomes[0]?.problems.map(({ code }) => code)).toEqual(['core/file-unreadable'])
})

describe('13-adversary 31: a signed record', () => {
  test('is attached and logged, names digest and scope, and quotes nothing that a stranger wrote', async () => {
    const { subject, ports, recorded, descriptor, client, repository } = await imageSubject('attest')
    const [outcome] = await quarantineRejected([subject], request('attest'), ports)
    expect(outcome).toMatchObject({ quarantined: true, problems: [] })
    const [signed] = await recorded()
    expect(signed?.payload).toBe(outcome?.record?.payload)
    expect(signed?.log).toEqual(outcome?.record?.receipt.log)
    expect(signed && readQuarantine(signed.statement)).toEqual({
      digest: descriptor.digest,
      decision: 'quarantine',
      policy: request('attest').policy.uri,
      environment: 'production',
      reason: 'The gate rejected it for failed integrity',
      codes: ['verify/identity-mismatch'],
      nonce: expect.stringMatching(/^[0-9a-f]{32}$/),
    })
    expect(JSON.stringify(signed?.statement)).not.toContain('mallory')
    expect((await client.getRaw(repository, 'v1'))?.digest).toBe(descriptor.digest)
  })

  test('is not written again while it stands', async () => {
    const { subject, ports, recorded } = await imageSubject('again')
    const [first] = await quarantineRejected([subject], request('attest'), ports)
    const [second] = await quarantineRejected([{ ...subject, signed: await recorded() }], request('attest'), ports)
    expect([second?.quarantined, second?.record]).toEqual([true, undefined])
    expect(second?.standing).toBe(first?.record?.payload)
    expect(second?.message).toContain(first?.record?.payload)
  })

  test('written again after its release has bytes of its own, so no replay of that release lifts it', async () => {
    const { subject, ports, recorded, descriptor, repository, client } = await imageSubject('release')
    const [first] = await quarantineRejected([subject], request('attest'), ports)
    const [signed] = await recorded()
    if (signed === undefined || ports.signer === undefined || ports.keep === undefined) throw new Error('no record')
    const word = readQuarantine(signed.statement)
    const release = { ...word, decision: 'release', releases: signed.payload, codes: [] } as const
    const { signer, keep } = ports
    const ended = await signRecord(release, { signer, keep })
    await attachRecord({ repository, subject: descriptor }, ended, client)
    const again = { ...subject, signed: await recorded() }
    const [third] = await quarantineRejected([again], request('attest'), ports)
    expect(third?.record?.payload).not.toBe(first?.record?.payload)
    const records = (await recorded()).map(item => readQuarantine(item.statement))
    expect(new Set(records.map(({ nonce }) => nonce)).size).toBe(3)
    // The old release, given a time of today by whoever has its signature logged anew.
    const replayed = (await recorded()).map(item =>
      item.payload === ended.payload ? { ...item, signedAt: new Date(Date.now() + 60_000) } : item,
    ) as unknown as NonNullable<QuarantineSubject['signed']>
    const [fourth] = await quarantineRejected([{ ...subject, signed: replayed }], request('attest'), ports)
    expect(fourth?.standing).toBe(third?.record?.payload)
  })

  test('is one for two tags of an image, and none for a digest that passed elsewhere in the run', async () => {
    const { subject, ports, recorded } = await imageSubject('twice')
    const other = { ...subject, receipt: { ...subject.receipt, name: 'other' } }
    const outcomes = await quarantineRejected([subject, other], request('attest'), ports)
    expect(new Set(outcomes.map(({ record }) => record?.payload)).size).toBe(1)
    expect(await recorded()).toHaveLength(1)
    const fine = { receipt: { ...subject.receipt, name: 'fine', verdict: 'passed', findings: [] } } as const
    const [left] = await quarantineRejected([subject, fine], request('retag'), ports)
    expect(left).toMatchObject({ quarantined: false, reason: 'the same digest passed in this run' })
  })

  test('does not name a policy by its place on this machine', async () => {
    const { subject, ports, recorded } = await imageSubject('local')
    await quarantineRejected([subject], { ...request('attest'), policy: { uri: 'file:/home/alice/p.yml' } }, ports)
    const [signed] = await recorded()
    expect(signed && readQuarantine(signed.statement).policy).toBeUndefined()
  })

  test('that cannot be attached is signed all the same, and the message says both', async () => {
    const { subject, ports, recorded } = await imageSubject('unattached')
    const describe = async () => Promise.reject(fail('registry/unavailable', 'The registry is down'))
    const image = { ...subject.image, describe } as NonNullable<QuarantineSubject['image']>
    const [outcome] = await quarantineRejected([{ ...subject, image }], request('attest'), ports)
    expect([outcome?.quarantined, outcome?.record?.receipt.stored]).toEqual([true, undefined])
    expect(outcome?.message).toContain('done: signed record sha256:')
    expect(outcome?.message).toContain('not done: The registry is down')
    expect(await recorded()).toEqual([])
  })

  test('of what is in quarantine already is finished, if something else speaks against it too', async () => {
    const { subject, ports } = await imageSubject('held')
    const held = findingOf(fail('verify/quarantined', 'held'), 'app')
    const both = { ...subject, receipt: { ...subject.receipt, findings: [held, WRONG_SIGNER] } }
    expect((await quarantineRejected([both], request('attest'), ports))[0]).toMatchObject({
      quarantined: true,
      codes: ['verify/identity-mismatch'],
    })
    const alone = { ...subject, receipt: { ...subject.receipt, findings: [held] } }
    expect((await quarantineRejected([alone], request('attest'), ports))[0]).toMatchObject({ quarantined: false })
  })

  test('of somebody else, or of another environment, does not stand for ours', async () => {
    const { subject, ports, recorded } = await imageSubject('other')
    await quarantineRejected([{ ...subject, environment: 'staging' }], request('attest'), ports)
    const stranger = (await recorded()).map(item => ({
      ...item,
      signer: { kind: 'key', fingerprint: 'ab' },
    })) as unknown as NonNullable<QuarantineSubject['signed']>
    const signed = [...(await recorded()), ...stranger]
    const [outcome] = await quarantineRejected([{ ...subject, signed }], request('attest'), ports)
    expect(outcome?.record).toBeDefined()
  })

  test('of a file is kept on disk', async () => {
    const { ports } = await imageSubject('file')
    const subject = await fileSubject()
    const [outcome] = await quarantineRejected([subject], request('attest'), ports)
    const bundle = await readFile(outcome?.record?.receipt.bundle ?? '')
    expect(readQuarantine(verifyBundle(bundle, bench.trust).statement).digest).toBe(subject.receipt.digest)
  })

  test('that nobody could log leaves the verdict as it is, and says so', async () => {
    const { subject, ports } = await imageSubject('unlogged')
    const down = { ...ports, signer: async () => Promise.reject(fail('sigstore/log-unavailable', 'The log is down')) }
    const [outcome] = await quarantineRejected([subject], request('attest'), down)
    expect(outcome).toMatchObject({ quarantined: false, reason: 'The log is down' })
    expect(outcome?.problems.map(({ code }) => code)).toEqual(['sigstore/log-unavailable'])
  })

  test('counts only with the time of a service', async () => {
    const { subject, ports } = await imageSubject('timeless')
    const signer = async () => ({
      ...(await recordSigner(bench.session())),
      sign: async () => ({ bundle: new Uint8Array() }),
    })
    const [outcome] = await quarantineRejected([subject], request('attest'), { ...ports, signer })
    expect(outcome?.problems.map(({ code }) => code)).toEqual(['sigstore/no-service'])
  })
})

test('13-adversary 31: retag writes the record, keeps the image and takes the tag away', async () => {
  const { subject, ports, client, repository, descriptor, recorded } = await imageSubject('retag', 'v2')
  const [outcome] = await quarantineRejected([subject], request('retag'), ports)
  expect(outcome).toMatchObject({ quarantined: true, tags: { tag: 'v2', removed: true }, problems: [] })
  expect(await client.getRaw(repository, 'v2')).toBeUndefined()
  expect((await client.getRaw(repository, quarantineTag(descriptor.digest)))?.digest).toBe(descriptor.digest)
  expect(await recorded()).toHaveLength(1)
})

test('mode files does nothing to images', async () => {
  const { subject, ports, recorded } = await imageSubject('files')
  const [outcome] = await quarantineRejected([subject], request('files'), ports)
  expect([outcome?.quarantined, await recorded()]).toEqual([false, []])
})

describe('changedFile()', () => {
  const expected = (exact: string) =>
    ({ kind: 'sigstore', identity: { exact }, issuer: bench.stack.oidc.issuer }) as const
  const other = { name: 'app.tgz', digest: sha256('other bytes') }
  const signedBundle = async () => verifyBundle((await bench.session().sign(statement())).bundle, bench.trust)

  test('says that a file is not the one that its own bundle is about', async () => {
    expect(changedFile(other, await signedBundle(), expected(SAN))).toMatchObject({
      code: 'verify/digest-mismatch',
      severity: 'reject',
      expected: `sha256:${'ab'.repeat(32)}`,
      found: other.digest,
    })
  })

  test('says nothing of the file itself, nor of a bundle of somebody else', async () => {
    const own = { name: 'app.tgz', digest: `sha256:${'ab'.repeat(32)}` } as typeof other
    expect(changedFile(own, await signedBundle(), expected(SAN))).toBeUndefined()
    expect(changedFile(other, await signedBundle(), expected('mallory@example.com'))).toBeUndefined()
  })
})

describe('quarantineMessage()', () => {
  const facts = { name: 'app', digest: sha256('x'), findings: [], evidence: [], done: [], left: [], target: 'app' }

  test('13-adversary 37: quotes what is pasted, and leaves out what could not be', () => {
    expect(quarantineMessage({ ...facts, target: "it's $(id)" })).toContain("release 'it'\\''s $(id)' --reason TEXT")
    const odd = quarantineMessage({ ...facts, name: 'a\nb', target: 'a\nb' })
    expect(odd).toContain('see waybill quarantine list')
    expect(odd.split('\n')).toHaveLength(2)
  })

  test('names evidence of the whole chain, each once', () => {
    const link = { link: 'provenance', state: 'rejected', bundle: sha256('b'), below: [] } as const
    const top = {
      link: 'signature',
      state: 'passed',
      log: { url: 'https://log', index: '7' },
      below: [link, link],
    } as const
    const receipt = { ...rejected('app', sha256('x')), links: [top] }
    const { evidence } = reasonOf(receipt, ['verify/identity-mismatch'])
    expect(evidence).toEqual(['signature: entry 7 of https://log', `provenance: bundle ${sha256('b')}`])
  })
})
