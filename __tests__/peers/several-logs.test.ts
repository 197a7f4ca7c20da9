import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { jest } from '@jest/globals'
import { Supervisor } from '../../tools/peers/process.ts'
import { writeTrustedRoot } from '../../tools/peers/stack.ts'
import { type Log, startRekorV2 } from '../../tools/peers/transparency.ts'
import { Matrix } from './matrix.ts'
import {
  ACCEPTED,
  attest,
  expectedOf,
  layoutOf,
  openWorld,
  pinned,
  repositoryIn,
  VERIFIERS,
  verdicts,
  type World,
} from './world.ts'

/** One signing config that names real logs of both generations. */

jest.setTimeout(180_000)

const matrix = new Matrix('several-logs')
let world: World
beforeAll(async () => {
  world = await openWorld()
})
afterAll(async () => {
  matrix.write()
  await world?.close()
})

interface Config {
  rekorTlogUrls: { url: string; majorApiVersion: number; operator: string; validFor: object }[]
  rekorTlogConfig: { selector: string; count?: number }
}

/** The stack's own config with the log of the second generation as another operator's. */
function configOf(name: string, selection: Config['rekorTlogConfig'], broken = false): string {
  const { folder, rekorV2, signingConfigFile } = world.stack
  const config = JSON.parse(readFileSync(signingConfigFile, 'utf8')) as Config
  const [first] = config.rekorTlogUrls
  if (first === undefined) throw new Error('the signing config names no log')
  const second = { ...first, url: broken ? 'http://127.0.0.1:9' : rekorV2.url, majorApiVersion: 2, operator: 'second' }
  const path = join(folder, `${name}.json`)
  writeFileSync(path, JSON.stringify({ ...config, rekorTlogUrls: [second, first], rekorTlogConfig: selection }))
  return path
}

async function attested(name: string, config: string) {
  const repository = repositoryIn(world, 'referrers', name)
  const inputs = { images: repository, tags: 'v1', builder: 'layout', layout: layoutOf(world, name) }
  const result = await attest(world, { ...inputs, 'signing-config': config })
  return { result, image: pinned(repository, result.outputs.digest) }
}

test.each<[string, Config['rekorTlogConfig'], number]>([
  ['ALL', { selector: 'ALL' }, 2],
  ['EXACT 2', { selector: 'EXACT', count: 2 }, 2],
  ['ANY', { selector: 'ANY' }, 1],
])('Rekor v1 and v2 together by %s: accepted by every verifier', async (name, selection, entries) => {
  const folder = name.toLowerCase().replace(' ', '-')
  const { result, image } = await attested(`logs-${folder}`, configOf(folder, selection))
  expect(`${result.code} ${result.code === 0 ? '' : result.log}`).toBe('0 ')
  for (const { bundle = '' } of result.result.attestations)
    expect(JSON.parse(readFileSync(bundle, 'utf8')).verificationMaterial.tlogEntries).toHaveLength(entries)
  expect(matrix.record(`Rekor v1 + v2 ${name}`, await verdicts(world, VERIFIERS, image, expectedOf(world)))).toEqual(
    ACCEPTED,
  )
})

test('with one of them gone: ANY takes the other, ALL decides nothing', async () => {
  const any = await attested('logs-any-gone', configOf('any-gone', { selector: 'ANY' }, true))
  expect(`${any.result.code} ${any.result.code === 0 ? '' : any.result.log}`).toBe('0 ')
  expect(matrix.record('Rekor v1, v2 gone', await verdicts(world, VERIFIERS, any.image, expectedOf(world)))).toEqual(
    ACCEPTED,
  )
  const all = await attested('logs-all-gone', configOf('all-gone', { selector: 'ALL' }, true))
  expect([all.result.code, all.result.result.error?.code]).toEqual([2, 'sigstore/log-unavailable'])
})

describe('two logs of the second generation', () => {
  let supervisor: Supervisor
  let other: Log
  /** The same world under a root that knows both. */
  let both: World
  beforeAll(async () => {
    const { stack } = world
    supervisor = new Supervisor(stack.folder, stack.peers.debian.setpriv)
    other = await startRekorV2({ folder: stack.folder, peers: stack.peers, supervisor }, 'rekor-v2-other')
    const path = join(stack.folder, 'two_logs_root.json')
    const trustedRootFile = await writeTrustedRoot(stack.peers.go.cosign3, path, { ...stack, moreRekorV2: [other] })
    both = { ...world, stack: { ...stack, trustedRootFile } }
  })
  afterAll(() => supervisor?.stop())

  function configOfBoth(name: string, selection: Config['rekorTlogConfig']): string {
    const { folder, rekorV2, signingConfigFile } = world.stack
    const config = JSON.parse(readFileSync(signingConfigFile, 'utf8')) as Config
    const [first] = config.rekorTlogUrls
    if (first === undefined) throw new Error('the signing config names no log')
    const log = (url: string, operator: string) => ({ ...first, url, majorApiVersion: 2, operator })
    const rekorTlogUrls = [log(other.url, 'other'), log(rekorV2.url, 'own')]
    const path = join(folder, `v2-${name}.json`)
    writeFileSync(path, JSON.stringify({ ...config, rekorTlogUrls, rekorTlogConfig: selection }))
    return path
  }

  async function attestedInBoth(name: string, selection: Config['rekorTlogConfig']) {
    const repository = repositoryIn(both, 'referrers', `v2-${name}`)
    const inputs = { images: repository, tags: 'v1', builder: 'layout', layout: layoutOf(both, `v2-${name}`) }
    const config = { 'signing-config': configOfBoth(name, selection), 'trusted-root': both.stack.trustedRootFile }
    const result = await attest(both, { ...inputs, ...config })
    return { result, image: pinned(repository, result.outputs.digest) }
  }

  /** Ids of the logs that a bundle has entries of. */
  const logsIn = (bundle: string): readonly string[] => {
    const { verificationMaterial } = JSON.parse(readFileSync(bundle, 'utf8'))
    return verificationMaterial.tlogEntries.map(({ logId }: { logId: { keyId: string } }) => logId.keyId)
  }

  test.each<[string, Config['rekorTlogConfig'], number]>([
    ['ALL', { selector: 'ALL' }, 2],
    ['EXACT 2', { selector: 'EXACT', count: 2 }, 2],
    ['ANY', { selector: 'ANY' }, 1],
  ])('by %s: an entry in each that was asked, accepted by every verifier', async (name, selection, entries) => {
    const { result, image } = await attestedInBoth(name.toLowerCase().replace(' ', '-'), selection)
    expect(`${result.code} ${result.code === 0 ? '' : result.log}`).toBe('0 ')
    for (const { bundle = '' } of result.result.attestations) expect(new Set(logsIn(bundle)).size).toBe(entries)
    const accepted = await verdicts(both, VERIFIERS, image, expectedOf(both))
    expect(matrix.record(`Rekor v2 + v2 ${name}`, accepted)).toEqual(ACCEPTED)
  })

  test('with one of them gone: ANY takes the other, ALL decides nothing, and the next run passes', async () => {
    await other.peer.kill()
    const any = await attestedInBoth('any-gone', { selector: 'ANY' })
    expect(`${any.result.code} ${any.result.code === 0 ? '' : any.result.log}`).toBe('0 ')
    const all = await attestedInBoth('all-gone', { selector: 'ALL' })
    expect([all.result.code, all.result.result.error?.code]).toEqual([2, 'sigstore/log-unavailable'])
    await other.peer.start()
    const again = await attestedInBoth('all-gone', { selector: 'ALL' })
    expect(`${again.result.code} ${again.result.code === 0 ? '' : again.result.log}`).toBe('0 ')
  })
})
