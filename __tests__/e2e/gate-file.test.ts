import { generateKeyPairSync } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { jest } from '@jest/globals'
import { sha256 } from '../../src/core/digest.ts'
import type { Receipt } from '../../src/report/receipt.ts'
import { writeLayout } from '../fakes/layout.ts'
import { execute } from '../fakes/scenario.ts'
import { type GateBench, openGateBench } from './gate-support.ts'

jest.setTimeout(60_000)

let bench: GateBench
let folder: string

beforeAll(async () => {
  bench = await openGateBench()
  folder = join(bench.scenario.stack.folder, 'files')
  mkdirSync(folder)
})

afterAll(() => bench.close())

/** A file with its bundle beside it. @returns the bundle's path. */
async function signedFile(name: string, content: string, about = content): Promise<string> {
  writeFileSync(join(folder, name), content)
  const bundle = join(folder, `${name}.sigstore.json`)
  writeFileSync(bundle, await bench.here.signature(sha256(about)))
  return bundle
}

const PRELOAD = `
const refuse = name => () => { throw new Error('a socket was asked for: ' + name) }
const net = require('node:net')
net.Socket.prototype.connect = refuse('connect')
net.connect = net.createConnection = refuse('net.connect')
const dns = require('node:dns')
dns.lookup = dns.resolve = refuse('dns')
dns.promises.lookup = refuse('dns')
require('node:dgram').createSocket = refuse('dgram')
globalThis.fetch = refuse('fetch')
`

/** @param sockets false: whatever opens one ends in an error. */
async function verify(words: readonly string[], sockets = true): Promise<{ code: number; receipt: Receipt }> {
  const { scenario } = bench
  const preload = join(folder, '..', 'no-sockets.cjs')
  writeFileSync(preload, PRELOAD)
  const cli = join(import.meta.dirname, '../../dist/cli.js')
  const args = [...(sockets ? [] : ['--require', preload]), cli, 'verify', ...words, ...scenario.expected, '--json']
  const { code, stdout, log } = await execute(args, { PATH: '', HOME: scenario.stack.folder }, folder)
  expect(log).toBe(stdout)
  return { code, receipt: JSON.parse(stdout) as Receipt }
}

const codes = ({ subjects }: Receipt) => subjects.flatMap(({ findings }) => findings.map(({ code }) => code))

describe('waybill verify file', () => {
  test('accepts files by the bundles beside them, by pattern', async () => {
    await signedFile('one.tar', 'one')
    await signedFile('two.tar', 'two')
    const { code, receipt } = await verify(['file', '*.tar'])
    expect([code, receipt.command]).toEqual([0, 'verify file'])
    expect(receipt.subjects.map(({ name, digest, verdict }) => [name, digest, verdict])).toEqual([
      ['one.tar', sha256('one'), 'passed'],
      ['two.tar', sha256('two'), 'passed'],
    ])
  })

  test('13-adversary 31: moves away a file that was changed after it was signed, and leaves one that nobody signed', async () => {
    await signedFile('changed.bin', 'changed', 'original')
    const { code, receipt } = await verify(['file', 'changed.bin'])
    expect([code, receipt.subjects[0]?.quarantine?.state]).toEqual([1, 'quarantined'])
    expect(receipt.subjects[0]?.findings[0]).toMatchObject({
      code: 'verify/digest-mismatch',
      expected: sha256('original'),
      found: sha256('changed'),
    })
    expect(existsSync(join(folder, 'changed.bin'))).toBe(false)
    writeFileSync(join(folder, 'unsigned.bin'), 'unsigned')
    expect((await verify(['file', 'unsigned.bin'])).code).toBe(1)
    expect(existsSync(join(folder, 'unsigned.bin'))).toBe(true)
  })

  test('13-adversary 31: a bundle of somebody else, or one for another file, does not make a file a changed one', async () => {
    writeFileSync(join(folder, 'mine.bin'), 'mine')
    const mallory = { repository: 'mallory/app', repository_id: '666' }
    writeFileSync(join(folder, 'mine.bin.sigstore.json'), await bench.here.signature(sha256('other'), mallory))
    expect(codes((await verify(['file', 'mine.bin'])).receipt)).not.toContain('verify/digest-mismatch')
    writeFileSync(join(folder, 'none.bin'), 'none')
    writeFileSync(join(folder, 'for-another.json'), await bench.here.signature(sha256('another')))
    const named = await verify(['file', 'none.bin', '--bundle', 'for-another.json'])
    expect(codes(named.receipt)).not.toContain('verify/digest-mismatch')
    expect([existsSync(join(folder, 'mine.bin')), existsSync(join(folder, 'none.bin'))]).toEqual([true, true])
  })

  test('quarantines a file that somebody else signed, with a record, unless told not to', async () => {
    const name = 'stranger.bin'
    writeFileSync(join(folder, name), 'stranger')
    const mallory = { repository: 'mallory/app', repository_id: '666' }
    writeFileSync(join(folder, `${name}.sigstore.json`), await bench.here.signature(sha256('stranger'), mallory))
    const left = await verify(['file', name, '--quarantine', 'off'])
    expect([left.code, existsSync(join(folder, name))]).toEqual([1, true])
    const { code, receipt } = await verify(['file', name, '--quarantine-directory', 'held', '--events', 'events.jsonl'])
    expect([code, receipt.subjects[0]?.quarantine?.state]).toEqual([1, 'quarantined'])
    expect(existsSync(join(folder, name))).toBe(false)
    const [held = ''] = readdirSync(join(folder, 'held'))
    expect(readdirSync(join(folder, 'held', held))).toContain('record.json')
    const [event] = readFileSync(join(folder, 'events.jsonl'), 'utf8').trim().split('\n')
    expect(JSON.parse(event ?? '')).toMatchObject({ event: 'waybill.quarantined' })
  })

  test('takes a bundle that is named', async () => {
    writeFileSync(join(folder, 'bare.bin'), 'bare')
    writeFileSync(join(folder, 'elsewhere.json'), await bench.here.signature(sha256('bare')))
    expect((await verify(['file', 'bare.bin', '--quarantine', 'off'])).code).toBe(1)
    expect((await verify(['file', 'bare.bin', '--bundle', 'elsewhere.json'])).code).toBe(0)
  })
})

describe('--offline', () => {
  test('verifies a file with its bundle and a trust root, and opens no socket', async () => {
    await signedFile('offline.bin', 'offline')
    expect((await verify(['file', 'offline.bin', '--offline'], false)).code).toBe(0)
  })

  test('verifies an image by digest with a bundle, and opens no socket', async () => {
    const digest = await bench.image('offline')
    writeFileSync(join(folder, 'image.json'), await bench.here.signature(digest))
    const image = `${bench.scenario.image}@${digest}`
    const { code, receipt } = await verify(['image', image, '--bundle', 'image.json', '--offline'], false)
    expect([code, receipt.verdict]).toEqual([0, 'passed'])
  })

  test('without it the same process cannot reach a registry: the test would see a socket', async () => {
    const { code, receipt } = await verify(['image', bench.reference], false)
    expect([code, receipt.verdict]).toEqual([2, 'unknown'])
  })

  test('a tag is unknown: only its registry knows what it means', async () => {
    const { code, receipt } = await verify(['image', `${bench.scenario.image}:v1`, '--offline'], false)
    expect([code, codes(receipt)]).toEqual([2, ['core/offline']])
  })

  test('13-adversary 26: with nothing on disk an image is unknown, for nobody has looked where its bundles are', async () => {
    const digest = await bench.image('nobody asked')
    const { code, receipt } = await verify(['image', `${bench.scenario.image}@${digest}`, '--offline'], false)
    expect([code, codes(receipt)[0]]).toEqual([2, 'verify/incomplete'])
    expect(receipt.subjects[0]?.findings[0]?.remedy).toContain('leave out --offline')
    writeFileSync(join(folder, 'alone.bin'), 'alone')
    const alone = await verify(['file', 'alone.bin', '--offline'], false)
    expect([alone.code, existsSync(join(folder, 'alone.bin'))]).toEqual([2, true])
    writeFileSync(join(folder, 'about-another.json'), await bench.here.signature(sha256('about another')))
    const named = ['--bundle', 'about-another.json', '--offline']
    expect((await verify(['file', 'alone.bin', ...named], false)).code).toBe(1)
  })

  test('an image of a layout is looked for in the layout', async () => {
    const layout = writeLayout(join(folder, 'layout'), { content: 'layout', platforms: ['linux/amd64'] })
    const image = `ghcr.io/acme/app@${layout.digest}`
    const { code, receipt } = await verify(['image', image, '--bundle', 'layout', '--offline'], false)
    expect([code, codes(receipt)[0]]).toEqual([1, 'verify/no-attestation'])
  })
})

describe('--out and --replay', () => {
  test('judge the same again without a socket, under the caller’s own root and expectation', async () => {
    const first = await verify(['image', bench.reference, '--out', 'kept'])
    expect([first.code, first.receipt.evidence]).toEqual([
      0,
      { folder: 'kept', digest: expect.stringMatching(/^sha256:/) },
    ])
    const { code, receipt } = await verify(['image', bench.reference, '--replay', 'kept'], false)
    expect([code, receipt.verdict, receipt.subjects[0]?.digest]).toEqual([0, 'passed', bench.published.outputs.digest])
  })

  test('13-adversary 29: under another expectation what was kept is rejected', async () => {
    const { scenario } = bench
    const args = ['verify', 'image', bench.reference, '--replay', 'kept', '--key', 'nobody.pem', '--json']
    const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    writeFileSync(join(folder, 'nobody.pem'), publicKey.export({ type: 'spki', format: 'pem' }))
    const cli = join(import.meta.dirname, '../../dist/cli.js')
    const root = ['--trusted-root', scenario.stack.trustedRootFile]
    const { code } = await execute([cli, ...args, ...root], { PATH: '', HOME: scenario.stack.folder }, folder)
    expect(code).toBe(1)
  })

  test('13-adversary 29: a folder’s own policy and root make the result unknown, unless pinned by digest', async () => {
    const { scenario } = bench
    mkdirSync(join(folder, 'policy/trust'), { recursive: true })
    writeFileSync(join(folder, 'policy/trust/root.json'), JSON.stringify(scenario.stack.trustedRoot))
    writeFileSync(join(folder, 'policy/waybill.yml'), bench.policy())
    const cli = join(import.meta.dirname, '../../dist/cli.js')
    const run = async (...words: readonly string[]) => {
      const args = [cli, 'verify', 'image', bench.reference, ...words, '--json']
      const { code, stdout } = await execute(args, { PATH: '', HOME: scenario.stack.folder }, folder)
      return { code, receipt: JSON.parse(stdout) as Receipt }
    }
    const first = await run('--policy', 'policy/waybill.yml', '--out', 'with-policy')
    const pinned = `with-policy@${first.receipt.evidence?.digest}`
    expect(first.code).toBe(0)
    expect((await run('--replay', 'with-policy')).code).toBe(2)
    expect((await run('--replay', pinned)).code).toBe(0)
    expect((await run('--replay', 'with-policy', '--policy', 'policy/waybill.yml')).code).toBe(0)
    expect(
      (
        await run(
          '--replay',
          pinned.replace(/.$/, last => (last === '0' ? '1' : '0')),
        )
      ).code,
    ).not.toBe(0)
  })
})
