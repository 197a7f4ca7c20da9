import { sign } from 'node:crypto'
import { type Bundle, bundleFromJSON, type TransparencyLogEntry } from '@sigstore/bundle'
import { logOf } from '../../../src/sigstore/verify/checks.ts'
import { requireInclusion } from '../../../src/sigstore/verify/inclusion.ts'
import { p256 } from '../../fakes/keys.ts'
import { MerkleTree } from '../../fakes/merkle.ts'
import { type Bench, jsonOf, openBench, statement } from '../support.ts'

let v1: Bench
let v2: Bench
let entries: { v1: TransparencyLogEntry; v2: TransparencyLogEntry }
beforeAll(async () => {
  ;[v1, v2] = await Promise.all([openBench(), openBench({ rekor: 'v2' })])
  for (const bench of [v1, v2])
    for (let i = 0; i < 5; i++) (bench === v1 ? v1.stack.rekorV1 : v2.stack.rekorV2).append(Buffer.from(`{"i":${i}}`))
  entries = { v1: await entryOf(v1), v2: await entryOf(v2) }
})
afterAll(() => Promise.all([v1, v2].map(b => b.close())))

async function entryOf(bench: Bench): Promise<TransparencyLogEntry> {
  const bundle: Bundle = bundleFromJSON(jsonOf((await bench.session().sign(statement())).bundle))
  const [entry] = bundle.verificationMaterial.tlogEntries
  if (entry === undefined) throw new Error('no entry')
  return entry
}

type Proof = NonNullable<TransparencyLogEntry['inclusionProof']>
type Version = 'v1' | 'v2'
const check = (version: Version, change: Partial<TransparencyLogEntry> = {}) => {
  const entry = { ...entries[version], ...change }
  const log = logOf((version === 'v1' ? v1 : v2).trust, entries[version].logId.keyId)
  if (log === undefined) throw new Error('no log')
  requireInclusion(entry, log)
}
const proofOf = (version: Version) => entries[version].inclusionProof as Proof
const withProof = (version: Version, change: Partial<Proof>) =>
  check(version, { inclusionProof: { ...proofOf(version), ...change } })
const withCheckpoint = (version: Version, change: (text: string) => string) =>
  withProof(version, { checkpoint: { envelope: change(proofOf(version).checkpoint?.envelope ?? '') } })

describe.each(['v1', 'v2'] as const)('requireInclusion() of Rekor %s', version => {
  test('accepts a promise, a proof, and both', () => {
    expect(() => check(version)).not.toThrow()
    expect(() => check(version, { inclusionPromise: undefined })).not.toThrow()
    if (version === 'v1') expect(() => check(version, { inclusionProof: undefined })).not.toThrow()
    expect(() => check(version, { inclusionPromise: undefined, inclusionProof: undefined })).toThrow('nothing says')
  })

  test.each<readonly [string, (text: string) => string]>([
    ['no empty line', text => text.replace('\n\n', '\n')],
    ['two empty lines', text => `${text}\n\n`],
    ['no end of the last line', text => text.slice(0, -1)],
    ['no signature', text => text.replace(/\u2014.*\n$/, '')],
    ['a hyphen for the dash', text => text.replace('\u2014', '-')],
    ['a signature in base64url', text => text.replace(/ \S+\n$/, ' _-8\n')],
    ['a short signature', text => text.replace(/ \S+\n$/, ' AAAAAA==\n')],
    ['another origin', text => `x${text}`],
    ['no origin', text => text.slice(text.indexOf('\n') + 1)],
    ['no size', text => text.replace(/\n\d+\n/, '\n')],
    ['no root', text => text.replace(/\n[^\n]+\n\n/, '\n\n')],
    ['another size', text => text.replace(/\n(\d+)\n/, (_, size) => `\n${Number(size) + 1}\n`)],
    ['another line', text => text.replace('\n\n', '\nmore\n\n')],
    ['the name of another log', text => text.replace(/\u2014 \S+/, '\u2014 log.example')],
    ['another key’s hint', text => text.replace(/ (\S+)\n$/, (_, line) => ` ${reHinted(line)}\n`)],
    ['another signature', text => text.replace(/ (\S+)\n$/, (_, line) => ` ${reSigned(line)}\n`)],
  ])('refuses a checkpoint with %s', (_, change) => {
    expect(() => withCheckpoint(version, change)).toThrow()
  })

  test('passes over lines of witnesses, before and after the log’s own', () => {
    const witness = `\u2014 witness.example ${Buffer.alloc(76, 7).toString('base64')}\n`
    expect(() => withCheckpoint(version, text => text + witness + witness)).not.toThrow()
    expect(() => withCheckpoint(version, text => text.replace('\n\n', `\n\n${witness}`))).not.toThrow()
    expect(() => withCheckpoint(version, text => text.replace(/\u2014.*\n$/, witness))).toThrow('not signed by the log')
    expect(() => withCheckpoint(version, text => `${text}whatever\n`)).toThrow('malformed')
  })

  test('passes over a second line in the log’s own name that another key made', async () => {
    const { privateKey } = await p256()
    const [note = ''] = (proofOf(version).checkpoint?.envelope ?? '').split('\n\n')
    const hint = entries[version].logId.keyId.subarray(0, 4)
    const foreign = Buffer.concat([hint, sign('sha256', Buffer.from(`${note}\n`), privateKey)]).toString('base64')
    const line = (text: string) => text.replace(/(\u2014 \S+ )\S+\n$/, `$1${foreign}\n`)
    const own = proofOf(version).checkpoint?.envelope ?? ''
    const both = `${line(own)}${own.slice(own.indexOf('\u2014'))}`
    expect(() => withCheckpoint(version, () => both)).not.toThrow()
    expect(() => withCheckpoint(version, line)).toThrow('not signed by the log')
  })

  test.each<readonly [string, (proof: Proof) => Partial<Proof>]>([
    ['another index', ({ logIndex }) => ({ logIndex: String(Number(logIndex) - 1) })],
    ['an index beyond the log', ({ treeSize }) => ({ logIndex: treeSize })],
    ['another size beside it', ({ treeSize }) => ({ treeSize: String(Number(treeSize) + 1) })],
    ['another root beside it', () => ({ rootHash: Buffer.alloc(32) })],
    ['one hash less', ({ hashes }) => ({ hashes: hashes.slice(1) })],
    ['one hash more', ({ hashes }) => ({ hashes: [...hashes, Buffer.alloc(32)] })],
    ['another hash', ({ hashes }) => ({ hashes: [...hashes.slice(0, -1), Buffer.alloc(32)] })],
    ['no checkpoint', () => ({ checkpoint: undefined })],
  ])('refuses a proof with %s', (_, change) => {
    expect(() => withProof(version, change(proofOf(version)))).toThrow()
  })

  test('refuses another body', () => {
    expect(() => check(version, { canonicalizedBody: Buffer.from('{}') })).toThrow()
  })
})

function reHinted(line: string): string {
  const bytes = Buffer.from(line, 'base64')
  bytes[0] = (bytes[0] ?? 0) ^ 1
  return bytes.toString('base64')
}

function reSigned(line: string): string {
  const bytes = Buffer.from(line, 'base64')
  bytes[20] = (bytes[20] ?? 0) ^ 1
  return bytes.toString('base64')
}

describe('requireInclusion()', () => {
  test.each<readonly [string, Partial<TransparencyLogEntry>]>([
    ['time', { integratedTime: '1' }],
    ['index', { logIndex: '7' }],
    ['log', { logId: { keyId: Buffer.alloc(32) } }],
  ])('refuses a promise about another %s', (_, change) => {
    expect(() => check('v1', change)).toThrow('not the log’s')
  })

  test('finds every entry of trees of every size up to 33, and no entry in another’s place', () => {
    const log = logOf(v2.trust, entries.v2.logId.keyId)
    if (log === undefined) throw new Error('no log')
    for (let size = 1; size <= 33; size++) {
      const tree = new MerkleTree()
      for (let i = 0; i < size; i++) tree.append(Buffer.from(String(i)))
      const note = `a\n${size}\n${tree.root().toString('base64')}\n`
      const hint = entries.v2.logId.keyId.subarray(0, 4)
      const line = Buffer.concat([hint, sign(null, Buffer.from(note), v2.stack.rekorV2.keys.privateKey)])
      const envelope = `${note}\n\u2014 127.0.0.1 ${line.toString('base64')}\n`
      const proven = (index: number, body: string) =>
        requireInclusion(
          {
            ...entries.v2,
            inclusionPromise: undefined,
            canonicalizedBody: Buffer.from(body),
            inclusionProof: {
              logIndex: String(index),
              treeSize: String(size),
              rootHash: tree.root(),
              hashes: tree.proof(index),
              checkpoint: { envelope },
            },
          },
          log,
        )
      for (let index = 0; index < size; index++) {
        expect(() => proven(index, String(index))).not.toThrow()
        expect(() => proven(index, String(index + 1))).toThrow('does not lead')
      }
    }
  })
})
