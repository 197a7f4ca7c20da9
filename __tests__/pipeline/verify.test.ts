import { sha256 } from '../../src/core/digest.ts'
import { fail } from '../../src/core/error.ts'
import { verify } from '../../src/pipeline/verify.ts'
import type { Artifact, JudgedSubject } from '../../src/pipeline/verify-request.ts'
import { formatReference } from '../../src/registry/reference.ts'
import type { Receipt } from '../../src/report/receipt.ts'
import type { Place } from '../../src/subjects/place.ts'
import { MALLORY } from '../policy/gate-world.ts'
import { type EXPECTED, holding, image, request, signature, VerifyWorld } from './verify-world.ts'

const A = sha256('a')
const B = sha256('b')
const at = (digest: string, repository = 'acme/app') => `ghcr.io/${repository}@${digest}`

function outcome(receipt: Receipt): readonly (readonly [string, string | undefined])[] {
  return receipt.subjects.map(({ verdict, findings }) => [verdict, findings[0]?.code])
}

/** A world in which these digests are signed. */
function signedWorld(...digests: readonly ReturnType<typeof sha256>[]): VerifyWorld {
  const world = new VerifyWorld()
  for (const digest of digests) world.evidence.set(digest, [async () => holding(world.bundle(signature(digest)))])
  return world
}

const place = (file: string): Place => ({ file, document: 1, path: 'spec.image', line: 3 })

describe('verify()', () => {
  test('passes a signed image and rejects one that is not; the worst decides', async () => {
    const receipt = await verify(request([image(at(A)), image(at(B))]), signedWorld(A).ports())
    expect(receipt.verdict).toBe('rejected')
    expect(outcome(receipt)).toEqual([
      ['passed', undefined],
      ['rejected', 'verify/no-attestation'],
    ])
  })

  test('13-adversary 26: of two bundles one bad, the good one counts and the bad one is named', async () => {
    const world = new VerifyWorld()
    world.evidence.set(A, [async () => holding(Buffer.from('garbage'), world.bundle(signature(A)))])
    const { subjects } = await verify(request([image(at(A))]), world.ports())
    expect(subjects[0]?.verdict).toBe('passed')
    expect(subjects[0]?.findings.map(({ code, severity }) => [code, severity])).toEqual([
      ['verify/bundles-ignored', 'note'],
      ['sigstore/signature-invalid', 'note'],
    ])
  })

  test('a registry that fails is unknown, never rejected', async () => {
    const world = new VerifyWorld()
    world.evidence.set(A, [() => Promise.reject(fail('registry/unavailable', 'The registry answered 500'))])
    const receipt = await verify(request([image(at(A))]), world.ports())
    expect([receipt.verdict, ...outcome(receipt)]).toEqual(['unknown', ['unknown', 'registry/unavailable']])
  })

  test('13-adversary 26: what is missing may lie in a list that was cut: unknown', async () => {
    const world = new VerifyWorld()
    world.evidence.set(A, [async () => ({ ...holding(), complete: false })])
    expect(outcome(await verify(request([image(at(A))]), world.ports()))).toEqual([['unknown', 'verify/incomplete']])
  })

  test('a later place is asked only while nothing is proved', async () => {
    const world = signedWorld(A)
    const asked: string[] = []
    const later = (digest: typeof A) => async () => {
      asked.push(digest)
      return holding(world.bundle(signature(digest)))
    }
    world.evidence.set(A, [...(world.evidence.get(A) ?? []), later(A)])
    world.evidence.set(B, [async () => holding(), later(B)])
    const receipt = await verify(request([image(at(A)), image(at(B))]), world.ports())
    expect([receipt.verdict, asked]).toEqual(['passed', [B]])
  })

  test('a later place that does not answer makes what is missing unknown', async () => {
    const world = new VerifyWorld()
    const broken = () => Promise.reject(fail('registry/unavailable', 'The registry answered 500'))
    world.evidence.set(A, [async () => holding(), broken])
    const { subjects } = await verify(request([image(at(A))]), world.ports())
    expect(subjects[0]?.findings.map(({ code }) => code)).toContain('registry/unavailable')
    expect(subjects[0]?.verdict).toBe('unknown')
  })

  describe('13-adversary 21: an index', () => {
    const [one, two] = [sha256('one'), sha256('two')]

    test.each([
      ['without a proved platform', [], 'rejected', 'verify/no-attestation'],
      ['with one proved platform', [one], 'rejected', 'verify/platform-unproven'],
      ['with all platforms proved', [one, two], 'passed', undefined],
    ] as const)('%s', async (_, proved, verdict, code) => {
      const world = signedWorld(...proved)
      world.children.set(A, [one, two])
      expect(outcome(await verify(request([image(at(A))]), world.ports()))).toEqual([[verdict, code]])
    })

    test('that is signed itself is asked nothing of its platforms', async () => {
      const world = signedWorld(A)
      world.children.set(A, [one, two])
      await verify(request([image(at(A))]), world.ports())
      expect(world.asked).toEqual([at(A)])
    })
  })
})

test('13-adversary 21: a platform manifest is proved by a signed index that lists it', async () => {
  const world = signedWorld(B)
  expect(outcome(await verify(request([image(at(A))]), world.ports()))).toEqual([['rejected', 'verify/no-attestation']])
  world.parents.set(A, [B])
  expect(outcome(await verify(request([image(at(A))]), world.ports()))).toEqual([['passed', undefined]])
})

describe('many subjects', () => {
  test('one named several times is judged once and reported with all its places', async () => {
    const world = signedWorld(A)
    const named = [image(at(A), [place('a.yaml')]), image(at(A), [place('b.yaml')]), image(at(A), [place('a.yaml')])]
    const { subjects } = await verify(request(named), world.ports())
    expect(world.asked).toEqual([at(A)])
    expect(subjects).toHaveLength(1)
    expect(subjects[0]?.places?.map(({ file }) => file)).toEqual(['a.yaml', 'b.yaml', 'a.yaml'])
  })

  test('two tags of one digest are resolved each and judged once, each under its name', async () => {
    const world = signedWorld(A)
    world.tags.set('ghcr.io/acme/app:v1', A).set('ghcr.io/acme/app:latest', A)
    const judged: JudgedSubject[] = []
    const ports = world.ports({ judged: async subject => void judged.push(subject) })
    const { subjects } = await verify(request(['v1', 'latest'].map(tag => image(`ghcr.io/acme/app:${tag}`))), ports)
    expect(subjects.map(({ name, verdict, digest }) => [name, verdict, digest])).toEqual([
      ['ghcr.io/acme/app:v1', 'passed', A],
      ['ghcr.io/acme/app:latest', 'passed', A],
    ])
    expect(judged.map(({ bundles }) => bundles.length)).toEqual([1])
  })

  test('13-adversary 43: 300 images are judged side by side, never more than sixteen', async () => {
    const digests = Array.from({ length: 300 }, (_, n) => sha256(`image ${n}`))
    const world = signedWorld(...digests)
    const receipt = await verify(request(digests.map((digest, n) => image(at(digest, `acme/app-${n}`)))), world.ports())
    expect([receipt.verdict, receipt.subjects.length, world.busiest]).toEqual(['passed', 300, 16])
    expect(receipt.subjects.map(({ digest }) => digest)).toEqual(digests)
  })

  test('13-adversary 43: when the time is over, the rest is unknown and what was judged stays', async () => {
    const world = signedWorld(A)
    let end = (): void => {}
    const expired = new Promise<void>(resolve => {
      end = resolve
    })
    world.evidence.set(B, [() => new Promise(() => {})])
    const judged = async (): Promise<void> => void setImmediate(end)
    const receipt = await verify(request([image(at(A)), image(at(B))]), world.ports({ expired, judged }))
    expect(outcome(receipt)).toEqual([
      ['passed', undefined],
      ['unknown', 'verify/out-of-time'],
    ])
    expect(receipt.subjects[1]?.findings[0]?.found).toBe('1 of 2 were judged by then')
  })

  test('13-adversary 43: more subjects than one run judges are refused', async () => {
    const many = Array.from({ length: 10_001 }, (_, n) => image(`ghcr.io/acme/app:${n}`))
    await expect(verify(request(many), new VerifyWorld().ports())).rejects.toMatchObject({
      code: 'verify/too-many-subjects',
      kind: 'configuration',
    })
  })

  test('nothing to judge is unknown, never passed', async () => {
    const receipt = await verify(request([]), new VerifyWorld().ports())
    expect([receipt.verdict, receipt.error?.code]).toEqual(['unknown', 'verify/no-subjects'])
  })
})

describe('what others name', () => {
  test('13-adversary 39: an image that no rule matches is rejected before anything is asked', async () => {
    const world = signedWorld(A)
    const expectation = (): never => {
      throw fail('policy/no-rule', 'No rule matches')
    }
    const receipt = await verify(
      request([image('169.254.169.254/x:1', [place('a.yaml')])], { expectation }),
      world.ports(),
    )
    expect(outcome(receipt)).toEqual([['rejected', 'policy/no-rule']])
    expect(receipt.subjects[0]?.places).toEqual([place('a.yaml')])
    expect(world.asked).toEqual([])
  })

  test('13-adversary 33: what may be an image and has no rule is unknown, with no connection', async () => {
    const world = signedWorld(A)
    const expectation = (): never => {
      throw fail('policy/no-rule', 'No rule matches')
    }
    const named = [image('ghcr.io/x:1', [place('a.yaml')], false)]
    const receipt = await verify(request(named, { expectation }), world.ports())
    expect(outcome(receipt)).toEqual([['unknown', 'verify/unexamined-image']])
    expect(world.asked).toEqual([])
  })

  test('a file that names nothing is told and is not passed', async () => {
    const note = { code: 'verify/no-images', severity: 'note', subject: 'a.yaml', message: '', remedy: '' } as const
    const unreadable = [{ name: 'a.yaml', findings: [note], places: [] }] as const
    const alone = await verify(request([], { unreadable }), new VerifyWorld().ports())
    expect([alone.verdict, alone.error?.code, ...outcome(alone)]).toEqual([
      'unknown',
      'verify/no-subjects',
      ['not-asked', 'verify/no-images'],
    ])
    expect((await verify(request([image(at(A))], { unreadable }), signedWorld(A).ports())).verdict).toBe('passed')
  })

  test('a reference that is typed and also named by a manifest is the caller’s own', async () => {
    const world = signedWorld(A)
    const origins: string[] = []
    const ports = world.ports()
    const resolve: typeof ports.resolve = (reference, origin, expectation) => {
      origins.push(`${formatReference(reference)} ${origin}`)
      return ports.resolve(reference, origin, expectation)
    }
    const named = [image(at(A), [place('a.yaml')]), image(at(A)), image(at(B), [place('a.yaml')])]
    await verify(request(named), { ...ports, resolve })
    expect(origins).toEqual([`${at(A)} typed`, `${at(B)} judged`])
  })

  test('13-adversary 33: what could not be examined makes the run unknown', async () => {
    const finding = {
      code: 'verify/incomplete',
      severity: 'reject',
      subject: 'a.yaml',
      message: 'Not read',
      remedy: '',
    } as const
    const unreadable = [{ name: 'a.yaml', findings: [finding], places: [place('a.yaml')] }] as const
    const receipt = await verify(request([image(at(A))], { unreadable }), signedWorld(A).ports())
    expect([receipt.verdict, ...outcome(receipt)]).toEqual([
      'unknown',
      ['passed', undefined],
      ['unknown', 'verify/incomplete'],
    ])
  })
})

describe('files', () => {
  test('are judged by their digest, whatever their name', async () => {
    const world = new VerifyWorld()
    world.files.set('/work/app.tar', Buffer.from('a')).set('/work/other.tar', Buffer.from('b'))
    world.evidence.set(A, [async () => holding(world.bundle(signature(A)))])
    const files = ['app.tar', 'other.tar', 'none.tar'].map(
      name => ({ kind: 'file', name, path: `/work/${name}` }) as const,
    )
    const receipt = await verify(request(files), world.ports())
    expect(receipt.subjects.map(({ name, digest, verdict }) => [name, digest, verdict])).toEqual([
      ['app.tar', A, 'passed'],
      ['other.tar', B, 'rejected'],
      ['none.tar', '', 'unknown'],
    ])
  })

  test('13-adversary 22: a verifier can read the file that a signature without a statement is over', async () => {
    const world = new VerifyWorld()
    world.files.set('/app', Buffer.from('DSSEv1 28 application'))
    const read: string[] = []
    const verifier = async () => ({
      bundle: async (_: Uint8Array, { content }: Artifact) => {
        for await (const piece of content?.() ?? []) read.push(Buffer.from(piece).toString())
        throw fail('sigstore/signature-invalid', 'Not over this')
      },
    })
    world.evidence.set(sha256('DSSEv1 28 application'), [async () => holding(Buffer.from('bundle'))])
    await verify(request([{ kind: 'file', name: 'app', path: '/app' }]), world.ports({ verifier }))
    expect(read).toEqual(['DSSEv1 28 application'])
  })
})

test('a configuration error ends the run: nothing was judged', async () => {
  const expectation = (): typeof EXPECTED => {
    throw fail('policy/no-expectation', 'Nothing says who')
  }
  await expect(verify(request([image(at(A))], { expectation }), new VerifyWorld().ports())).rejects.toMatchObject({
    code: 'policy/no-expectation',
  })
})

test('13-adversary 26: somebody who signs the same bytes once more takes nothing from the signature that counts', async () => {
  const ours = signature(A)
  // What cosign 2 signs of an image are the same bytes for everybody, and their digest is the name of such a signature.
  const theirs = { ...ours, signer: { ...MALLORY, fingerprint: 'cd'.repeat(32) } }
  for (const order of [
    [ours, theirs],
    [theirs, ours],
  ] as const) {
    const world = new VerifyWorld()
    const bundles = order.map((item, at) => world.bundle({ ...item, bundle: sha256(`${at}`) }))
    const read = new Map(bundles.map((bytes, at) => [Buffer.from(bytes).toString(), order[at]]))
    const bundle = (bytes: Uint8Array) => read.get(Buffer.from(bytes).toString()) ?? ours
    world.evidence.set(A, [async () => holding(...bundles)])
    const receipt = await verify(request([image(at(A))]), world.ports({ verifier: async () => ({ bundle }) }))
    expect(outcome(receipt)).toEqual([['passed', undefined]])
  }
})
