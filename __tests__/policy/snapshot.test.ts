import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { utf8 } from '../../src/core/bytes.ts'
import { WaybillError } from '../../src/core/error.ts'
import { changedLaw, parseLaw } from '../../src/policy/law.ts'
import { snapshotNotes } from '../../src/policy/snapshot.ts'
import { breaks, type Schema } from '../report/schema.ts'
import { BASE, errorOf, type Files, lawFiles, NOW, POLICY, sshLine } from './world.ts'

const FILE = '.github/keys/team.json'
const SCHEMA = JSON.parse(readFileSync(join(import.meta.dirname, '../../schemas/snapshot.json'), 'utf8')) as Schema
const ARMOR = '-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nmDMEZg==\n=abcd\n-----END PGP PUBLIC KEY BLOCK-----\n'
const FINGERPRINT = 'AB'.repeat(20)

const DAVE = {
  github: { login: 'dave', id: 42 },
  emails: ['dave@example.com'],
  signers: [{ ssh: { key: sshLine('dave') } }, { openpgp: { fingerprint: FINGERPRINT, armor: ARMOR } }],
}
const SNAPSHOT = {
  schemaVersion: 1,
  taken: '2026-05-02T08:00:00.123Z',
  source: 'github team acme/platform',
  principals: { dave: DAVE },
}

function files(
  snapshot: unknown = SNAPSHOT,
  more = '',
  line = 'snapshots: [{file: keys/team.json, role: maintainers}]',
): Files {
  return {
    ...BASE,
    '.github/waybill.yml': `${POLICY}${line}\n${more}`,
    [FILE]: typeof snapshot === 'string' ? snapshot : JSON.stringify(snapshot, undefined, 2),
  }
}

const lawWith = (...given: Parameters<typeof files>) => parseLaw(lawFiles(files(...given)))

describe('a snapshot', () => {
  test('meets schemas/snapshot.json', () => expect(breaks(SCHEMA, SNAPSHOT)).toEqual([]))

  test('adds its principals and lets them join the role', () => {
    const { policy } = lawWith()
    expect(policy.principals.get('dave')).toMatchObject({ github: { id: 42 }, emails: ['dave@example.com'] })
    expect(policy.roles.get('maintainers')).toEqual(['alice', 'bob', 'dave'])
    expect(policy.roles.get('developers')).toEqual(['alice', 'bob', 'dave', 'carol'])
    expect([...policy.policyChange.signers]).toEqual(['alice', 'bob', 'dave'])
    expect(policy.snapshots).toMatchObject([
      { file: FILE, role: 'maintainers', principals: ['dave'], warnAfterDays: 90, taken: { source: SNAPSHOT.source } },
    ])
  })

  test('makes its role when the policy declares none of that name', () => {
    const { policy } = lawWith(SNAPSHOT, '', 'snapshots: [{file: keys/team.json, role: platform}]')
    expect(policy.roles.get('platform')).toEqual(['dave'])
    const named = POLICY.replace('["@maintainers", carol]', '["@maintainers", carol, "@platform"]')
    const law = parseLaw(
      lawFiles({
        ...files(),
        '.github/waybill.yml': `${named}snapshots: [{file: keys/team.json, role: platform}]\n`,
      }),
    )
    expect(law.policy.roles.get('developers')).toEqual(['alice', 'bob', 'carol', 'dave'])
  })

  test('holds its OpenPGP keys itself, and the keyring gets them', () => {
    const { keyFiles, policy } = lawWith()
    const path = `${FILE}#${FINGERPRINT}`
    expect(keyFiles).toEqual([{ path, bytes: utf8(ARMOR) }])
    expect(policy.principals.get('dave')?.signers[1]).toMatchObject({ fingerprint: FINGERPRINT, file: path })
  })

  test('13-adversary 3: is law: other bytes of it are a change of the policy', () => {
    const law = lawWith()
    const later = files({ ...SNAPSHOT, taken: '2026-05-03T08:00:00Z' })
    expect(changedLaw(law, lawFiles(later))).toBe('policy')
    expect(changedLaw(law, lawFiles({ ...files(), '.github/ISSUE_TEMPLATE/a.md': 'x' }))).toBe('same')
  })

  test.each([
    ['that is missing', undefined, 'no regular file'],
    ['that is no JSON', '{', 'not acceptable JSON'],
    ['with a key twice', '{"schemaVersion": 1, "schemaVersion": 1}', 'not acceptable JSON'],
    ['that is a list', [], 'not acceptable JSON'],
    ['of a later version', { ...SNAPSHOT, schemaVersion: 2 }, 'not known to this version'],
    ['without a time', { ...SNAPSHOT, taken: undefined }, 'has no taken'],
    ['with a day that does not exist', { ...SNAPSHOT, taken: '2026-02-31T00:00:00Z' }, 'is not a time'],
    ['with an unknown key', { ...SNAPSHOT, roles: {} }, 'roles is not a key'],
    ['with a name somebody has', { ...SNAPSHOT, principals: { alice: DAVE } }, 'another principal has already'],
    [
      'with a key somebody has',
      { ...SNAPSHOT, principals: { dave: { ...DAVE, signers: [{ ssh: { key: sshLine('alice') } }] } } },
      'could not be told apart',
    ],
    [
      'with an e-mail somebody has',
      { ...SNAPSHOT, principals: { dave: { ...DAVE, emails: ['alice@example.com'] } } },
      'could not be told apart',
    ],
    [
      'with a key file',
      {
        ...SNAPSHOT,
        principals: { dave: { ...DAVE, signers: [{ openpgp: { fingerprint: FINGERPRINT, file: 'a' } }] } },
      },
      'file is not a key',
    ],
    [
      'with a private key',
      {
        ...SNAPSHOT,
        principals: {
          dave: {
            ...DAVE,
            signers: [{ openpgp: { fingerprint: FINGERPRINT, armor: ARMOR.replaceAll('PUBLIC', 'PRIVATE') } }],
          },
        },
      },
      'not an armored public key',
    ],
  ])('13-adversary 4: %s makes the policy unusable', (_what, snapshot, words) => {
    const tree =
      snapshot === undefined
        ? { ...BASE, '.github/waybill.yml': files()['.github/waybill.yml'] ?? '' }
        : files(snapshot)
    const error = errorOf(() => parseLaw(lawFiles(tree)))
    expect(['policy/unusable', 'policy/unsupported']).toContain(error.code)
    expect(error.message).toMatch(/^\.github\/(waybill\.yml|keys\/team\.json):\d+:\d+: /)
    expect(error.message).toContain(words)
  })

  test('tells line and column of a mistake in the file itself', () => {
    const text = JSON.stringify(SNAPSHOT, undefined, 2).replace('42', '"42"')
    expect(errorOf(() => lawWith(text)).message).toContain(`${FILE}:9:15: principals.dave.github.id`)
  })

  test('two snapshots may not share a principal', () => {
    const line = 'snapshots: [{file: keys/team.json, role: a}, {file: keys/more.json, role: b}]'
    const error = errorOf(() =>
      parseLaw(lawFiles({ ...files(SNAPSHOT, '', line), '.github/keys/more.json': JSON.stringify(SNAPSHOT) })),
    )
    expect(error.message).toContain('another principal has already')
  })

  test('gives a law or one of two errors for any bytes', () => {
    const text = JSON.stringify(SNAPSHOT)
    const only = (snapshot: string) => {
      try {
        lawWith(snapshot)
      } catch (error) {
        expect(error).toBeInstanceOf(WaybillError)
        expect(['policy/unusable', 'policy/unsupported']).toContain((error as WaybillError).code)
      }
    }
    fc.assert(fc.property(fc.string({ unit: 'binary' }), only))
    fc.assert(
      fc.property(fc.nat(text.length), fc.constantFrom('"', '{', '[', ',', '\\', '0', '*', '&', '#'), (at, c) =>
        only(text.slice(0, at) + c + text.slice(at)),
      ),
      { numRuns: 300 },
    )
  })
})

describe('snapshotNotes()', () => {
  const line = 'snapshots: [{file: keys/team.json, role: maintainers, warn-after-days: 30}]'
  test('says nothing while the snapshot is young enough', () => {
    expect(snapshotNotes(lawWith(SNAPSHOT, '', line).policy, NOW)).toEqual([])
  })
  test('notes an old one without touching any verdict', () => {
    const [note, more] = snapshotNotes(lawWith({ ...SNAPSHOT, taken: '2026-04-01T00:00:00Z' }, '', line).policy, NOW)
    expect(more).toBeUndefined()
    expect(note).toMatchObject({ code: 'policy/snapshot-old', severity: 'note', subject: FILE })
    expect(note?.message).toContain('61 days ago from github team acme/platform')
  })
})
