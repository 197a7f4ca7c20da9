import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { jest } from '@jest/globals'
import { encodeEnvelope } from '../../src/statements/envelope.ts'
import { writeLayout } from '../fakes/layout.ts'
import type { StepResult } from '../fakes/scenario.ts'
import { BOB, type Change, ReviewWorld } from './review-support.ts'
import { footprint, statementIn } from './source-support.ts'

jest.setTimeout(120_000)

let world: ReviewWorld
beforeAll(async () => {
  world = await ReviewWorld.start('signed-by-reviewer')
  world.layout = join(world.scenario.stack.folder, 'layout')
  writeLayout(world.layout)
})
afterAll(() => world?.close())

const ended = ({ code, result }: StepResult) => [code, result.error?.code]
const refOf = (head: string, principal = 'alice') => `refs/waybill/reviews/${head}/${principal}`

describe('a rule that asks for a review signed by the reviewer', () => {
  test('13-adversary 11: a merge of what a reviewer signed passes, and the statement is named and kept', async () => {
    const change = world.change('reviewed')
    const { digest } = await world.approve(change)
    const merge = world.merge(change)
    const step = await world.attest(change.target, { builder: 'buildah', layout: undefined })
    expect(ended(step)).toEqual([0, undefined])
    const of = (type: string) =>
      statementIn(step.result.attestations.find(({ predicateType }) => predicateType.endsWith(type))?.bundle ?? '')
    const [summary, detail] = [of('verification_summary/v1'), of('source-verification/v0.1')] as unknown as {
      predicate: Record<string, unknown>
    }[]
    expect(detail?.predicate.reviews).toEqual([
      {
        commit: merge,
        label: 'signed-by-reviewer',
        by: ['alice'],
        head: change.head,
        statements: [{ sha256: digest.slice(7) }],
        keys: [expect.stringMatching(/^SHA256:/)],
      },
    ])
    // So that a gate can revoke her key.
    const reviews = detail?.predicate.reviews as { keys: string[] }[] | undefined
    const reviewer = { fingerprint: reviews?.[0]?.keys[0], principal: 'alice', commits: expect.any(Number) }
    expect(detail?.predicate.keys).toContainEqual(expect.objectContaining(reviewer))
    expect(summary?.predicate.verifiedLevels).toContain('ORG_SOURCE_REVIEWED')
    expect(summary?.predicate.inputAttestations).toContainEqual({
      uri: `git+${world.uri}@refs/waybill/reviews/${change.head}`,
      digest: { sha256: digest.slice('sha256:'.length) },
    })
    const kept = join(step.run.folder, 'temp/waybill/acme-app/bundles/reviews', `${digest.slice(7)}.json`)
    const stored = execFileSync('git', ['-C', world.repository.folder, 'cat-file', 'blob', refOf(change.head)])
    expect(readFileSync(kept)).toEqual(stored)
    expect(step.summary).not.toContain('no rule of the policy asks')
  })

  test('13-adversary 11: an OpenPGP key signs as well', async () => {
    const change = world.change('openpgp')
    await world.approve(change, '--key', world.print)
    world.merge(change)
    expect(ended(await world.attest(change.target))).toEqual([0, undefined])
  })

  test('13-adversary 10: a commit pushed directly passes with a statement about itself', async () => {
    const change = world.change('direct')
    await world.approve(change)
    world.repository.git('update-ref', `refs/heads/${change.target}`, change.head)
    expect(ended(await world.attest(change.target))).toEqual([0, undefined])
  })

  test('13-adversary 10: the reviewer’s own signed merge is a review', async () => {
    const change = world.change('merged-by-alice')
    world.merge(change, { signer: world.scenario.alice, name: 'Alice', email: 'alice@example.com' })
    expect(ended(await world.attest(change.target))).toEqual([0, undefined])
  })

  test('13-adversary 10: the reviewer’s signed tag inside the merge is a review', async () => {
    expect(ended(await attestMergetag('tagged', change => change.head))).toEqual([0, undefined])
  })

  test('13-adversary 10: a tag of another commit inside the merge is none, and told', async () => {
    const step = await attestMergetag('tagged-other', () => world.base)
    expect(ended(step)).toEqual([1, 'source/unreviewed'])
    expect(JSON.stringify(step.result.subjects)).toContain('source/mergetag-unrelated')
  })
})

/** A merge by bob in which a tag of alice's stands. */
async function attestMergetag(name: string, tagged: (change: Change) => string): Promise<StepResult> {
  const { repository, scenario } = world
  const change = world.change(name)
  const tag = repository.tag(`for-${name}`, { target: tagged(change), signer: scenario.alice })
  const text = repository.git('cat-file', 'tag', tag)
  repository.git('update-ref', '-d', `refs/tags/for-${name}`)
  // The header belongs to what the merge's own signature covers.
  const header = `mergetag ${text.split('\n').join('\n ')}`
  const signer = {
    ...scenario.bob,
    sign: (bytes: Uint8Array) => scenario.bob.sign(Buffer.from(withHeader(Buffer.from(bytes).toString(), header))),
  }
  world.merge(change, { signer, tamper: object => withHeader(object, header) })
  return world.attest(change.target)
}

function withHeader(object: string, header: string): string {
  return object.replace(/^(committer .*\n)/m, `$1${header}\n`)
}

type Attack = (name: string) => Promise<Change>

/** Case → what is wrong, and words of the finding. */
const ATTACKS: Readonly<Record<string, readonly [Attack, RegExp]>> = {
  'no statement at all': [async name => world.change(name), /no approval that counts/],
  'a statement about an older head': [
    async name => {
      await world.approve(world.change(name))
      return world.change(name, { files: { 'later.txt': 'later\n' } }, world.base)
    },
    /no approval that counts/,
  ],
  'a statement for another branch': [
    async name => {
      const change = world.change(name)
      await world.approve(change, '--target', 'main')
      return change
    },
    /the statement of alice is about refs\/heads\/main/,
  ],
  'a statement for another repository': [
    async name => {
      const change = world.change(name)
      await world.approve({ ...change }, '--repository', `${world.uri}-fork`)
      return change
    },
    /the statement of alice is about the repository http\S+acme\/app-fork/,
  ],
  'a statement that names another repository’s number': [
    async name => {
      const change = world.change(name)
      await world.approve(change, '--repository-id', '666')
      return change
    },
    /the statement of alice is about the repository/,
  ],
  'a statement about another part of the history': [
    async name => {
      const change = world.change(name)
      const second = { ...change, head: onTop(change) }
      // What stands between is what alice has not looked at.
      const { code } = await world.sign([
        `${change.head}..origin/${change.feature}`,
        '--target',
        change.target,
        '--push',
      ])
      expect(code).toBe(0)
      return second
    },
    /the statement of alice begins at [0-9a-f]{7}, where this does not/,
  ],
  'a statement that was withdrawn': [
    async name => {
      const change = world.change(name)
      await world.approve(change)
      await world.approve(change, '--withdraw')
      return change
    },
    /alice withdrew/,
  ],
  'a withdrawn statement beside which the older one was put back': [
    async name => {
      const change = world.change(name)
      await world.approve(change)
      world.repository.git('update-ref', refOf(change.head, 'alice2'), refOf(change.head))
      await world.approve(change, '--withdraw')
      return change
    },
    /alice withdrew/,
  ],
  'a statement of the author’s own': [
    async name => {
      const signer = keyOf('dora')
      const change = world.change(name, { signer, name: 'Dora', email: 'dora@example.com' })
      await world.approve(change, '--key', world.key('dora'))
      return change
    },
    /dora is who signed/,
  ],
  'a statement of somebody whom the rule does not name': [
    async name => {
      const change = world.change(name)
      await world.approve(change, '--key', world.key('carol'))
      return change
    },
    /no approval that counts/,
  ],
  'a statement under a reviewer’s name, signed by a stranger': [
    async name => {
      const change = world.change(name)
      await world.approve(change)
      const envelope = JSON.parse(world.repository.git('cat-file', 'blob', refOf(change.head)))
      const payload = Buffer.from(envelope.payload, 'base64')
      const pae = Buffer.concat([Buffer.from(`DSSEv1 28 application/vnd.in-toto+json ${payload.length} `), payload])
      store(change, encodeEnvelope({ payload, armor: keyOf('nobody').sign(pae, 'waybill-review') }, 'x'))
      return change
    },
    /no approval that counts/,
  ],
}

/** Case → what stands behind the ref in the place of a good statement. */
const JUNK: Readonly<Record<string, (change: Change) => void>> = {
  'no JSON': change => store(change, Buffer.from('junk')),
  nothing: change => store(change, Buffer.of()),
  'more than a statement may have': change => store(change, Buffer.alloc(70_000, '{')),
  'a commit': change => world.repository.git('update-ref', refOf(change.head), change.head),
  'a tree': change => world.repository.git('update-ref', refOf(change.head), `${change.head}^{tree}`),
  'the statement of another head': change => {
    const other = world.repository.git('for-each-ref', '--format=%(objectname)', 'refs/waybill/reviews').split('\n')
    world.repository.git('update-ref', refOf(change.head), other[0] ?? '')
  },
  'a statement whose payload was changed': change => {
    const envelope = JSON.parse(world.repository.git('cat-file', 'blob', refOf(change.head)))
    const payload = Buffer.from(envelope.payload, 'base64').toString().replace('into/', 'onto/')
    store(change, Buffer.from(JSON.stringify({ ...envelope, payload: Buffer.from(payload).toString('base64') })))
  },
  'a signature made for commits': change => {
    const envelope = JSON.parse(world.repository.git('cat-file', 'blob', refOf(change.head)))
    const payload = Buffer.from(envelope.payload, 'base64')
    const pae = Buffer.concat([Buffer.from(`DSSEv1 28 application/vnd.in-toto+json ${payload.length} `), payload])
    store(change, encodeEnvelope({ payload, armor: keyOf('alice').sign(pae, 'git') }, 'x'))
  },
}

describe('refused before anything is built:', () => {
  test.each(Object.entries(ATTACKS))('13-adversary 11: %s', async (name, [attack, found]) => {
    const change = await attack(name.replaceAll(/[^a-z]+/g, '-'))
    world.merge(change)
    const before = footprint(world.scenario)
    const step = await world.attest(change.target)
    expect(ended(step)).toEqual([1, 'source/unreviewed'])
    expect(step.result.error?.found).toMatch(found)
    expect(step.result.error?.remedy).toContain(`waybill review sign ${world.base}..${change.head} --target `)
    expect(footprint(world.scenario)).toEqual(before)
    expect(existsSync(join(step.run.folder, 'temp/waybill/acme-app/bundles/reviews'))).toBe(false)
  })

  test.each(Object.entries(JUNK))('13-adversary 11: a ref that was pointed at %s', async (name, spoil) => {
    const change = world.change(`junk-${name.replaceAll(' ', '-')}`)
    await world.approve(change)
    spoil(change)
    world.merge(change)
    const step = await world.attest(change.target)
    expect(ended(step)).toEqual([1, 'source/unreviewed'])
    const told = step.result.notices?.filter(notice => notice.includes(refOf(change.head)))
    expect(told).toEqual([expect.stringMatching(/^source\/review-invalid: The statement behind \S+ does not count \(/)])
  })

  test('13-adversary 10: a statement about the last commit does not cover what was pushed before it', async () => {
    const change = world.change('range')
    world.repository.git('update-ref', `refs/heads/${change.target}`, change.head)
    const later = { ...change, head: onTop(change) }
    await world.approve(later)
    world.merge(later)
    const step = await world.attest(change.target)
    expect(ended(step)).toEqual([1, 'source/unreviewed'])
    expect(step.result.error?.message).toContain(change.head.slice(0, 7))
  })
})

/** A second commit of bob's on the feature. */
function onTop({ feature }: Change): string {
  world.repository.git('checkout', '--quiet', '--force', feature)
  return world.repository.commit({ message: 'Go on', signer: world.scenario.bob, ...BOB, files: { 'on.txt': 'on\n' } })
}

/** A key of the desk's ssh-keygen, as commits are signed with. */
function keyOf(name: string) {
  const sign = (bytes: Uint8Array, namespace = 'git') =>
    execFileSync('ssh-keygen', ['-q', '-Y', 'sign', '-n', namespace, '-f', world.key(name)], {
      input: bytes,
      stdio: ['pipe', 'pipe', 'pipe'],
    })
      .toString()
      .trimEnd()
  return { publicKey: world.publicKey(name), fingerprint: '', sign }
}

function store({ head }: Change, bytes: Uint8Array): void {
  const blob = world.repository.gitInput(bytes, 'hash-object', '-w', '--stdin')
  world.repository.git('update-ref', refOf(head), blob)
}
