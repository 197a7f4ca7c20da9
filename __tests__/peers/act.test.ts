import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { jest } from '@jest/globals'
import { type ActRun, act, type Variables, vendoredAction, WORKFLOW } from './act.ts'
import { CLAIMS, openWorld, VERIFIERS, verdicts, verify, type World } from './world.ts'

/**
 * The action as users have it, `uses: ./` in a workflow of a repository that contains it, run by act on real signed
 * commits against the real peers (`startPeers`). Only GitHub's git server, API and token issuer are doubles.
 */
jest.setTimeout(180_000)

const ACCEPTED = Object.fromEntries(VERIFIERS.flatMap(name => CLAIMS.map(claim => [`${name} ${claim}`, 0])))
const BUSYBOX = ['/bin/busybox', '/usr/bin/busybox'].find(existsSync) ?? ''

/**
 * A compiler that runs on the machine that builds and writes a program for the platform that is asked for, the smallest
 * there is: one that ends with code 42. Nothing of the other platform ever runs.
 */
const COMPILER = `code() { /bin/busybox printf "$1" >>/program; }
case "$TARGETARCH" in
  amd64) machine='\\076\\000' exit42='\\277\\052\\000\\000\\000\\270\\074\\000\\000\\000\\017\\005' ;;
  arm64) machine='\\267\\000' exit42='\\100\\005\\200\\322\\250\\013\\200\\322\\001\\000\\000\\324' ;;
  *) exit 1 ;;
esac
code '\\177ELF\\002\\001\\001\\000\\000\\000\\000\\000\\000\\000\\000\\000\\002\\000'
code "$machine"
code '\\001\\000\\000\\000\\170\\000\\100\\000\\000\\000\\000\\000\\100\\000\\000\\000\\000\\000\\000\\000'
code '\\000\\000\\000\\000\\000\\000\\000\\000\\000\\000\\000\\000\\100\\000\\070\\000\\001\\000\\000\\000\\000\\000\\000\\000'
code '\\001\\000\\000\\000\\005\\000\\000\\000\\000\\000\\000\\000\\000\\000\\000\\000\\000\\000\\100\\000\\000\\000\\000\\000'
code '\\000\\000\\100\\000\\000\\000\\000\\000\\204\\000\\000\\000\\000\\000\\000\\000\\204\\000\\000\\000\\000\\000\\000\\000'
code '\\000\\020\\000\\000\\000\\000\\000\\000'
code "$exit42"
/bin/busybox chmod 755 /program
`
const DOCKERFILE = `FROM --platform=$BUILDPLATFORM scratch AS build
COPY busybox.sh /bin/busybox
COPY compile.sh /
ARG TARGETARCH
RUN ["/bin/busybox", "sh", "/compile.sh"]

FROM scratch
COPY --from=build /program /program
ENTRYPOINT ["/program"]
`

let world: World
beforeAll(async () => {
  world = await openWorld()
  // Workflows are the maintainers'.
  world.repository.commit({
    message: 'Release with the action of this repository',
    signer: world.alice,
    files: { ...vendoredAction(), '.github/workflows/release.yml': WORKFLOW },
  })
  commit('Build a program', { 'busybox.sh': readFileSync(BUSYBOX), 'compile.sh': COMPILER, Dockerfile: DOCKERFILE })
  await world.publish()
})
afterAll(() => world?.close())

function commit(message: string, files: Readonly<Record<string, string | Uint8Array>>): string {
  return world.repository.commit({ message, signer: world.bob, name: 'Bob', email: 'bob@example.com', files })
}

/** In the registry with the referrers API, one repository for each test. */
function imageOf(name: string): string {
  return `${world.stack.registries.referrers.host}/acme/act-${name}`
}

async function registry(image: string, path: string): Promise<{ status: number; digest: string; body: string }> {
  const [host = '', ...repository] = image.split('/')
  const response = await fetch(`http://${host}/v2/${repository.join('/')}/${path}`, {
    headers: { accept: 'application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json' },
  })
  const { status, headers } = response
  return { status, digest: headers.get('docker-content-digest') ?? '', body: await response.text() }
}

/** What fails says so with its log. */
function expectSuccess(run: ActRun): void {
  expect([run.code, run.outcome, run.code === 0 ? '' : run.log]).toEqual([0, 'success', ''])
}

/** The image, the tag on it, and what was attached to it. */
async function expectPublished(run: ActRun, image: string, tag: string): Promise<void> {
  expectSuccess(run)
  expect(run.digest).toMatch(/^sha256:[0-9a-f]{64}$/)
  expect(run.outputs).toMatchObject({ digest: run.digest, image: `${image}@${run.digest}`, tags: `${image}:${tag}` })
  expect(await registry(image, `manifests/${tag}`)).toMatchObject({ status: 200, digest: run.digest })
  const { manifests } = JSON.parse((await registry(image, `referrers/${run.digest}`)).body) as {
    manifests: { digest: string }[]
  }
  expect(manifests.length).toBeGreaterThanOrEqual(2)
  expect(manifests.length).toBe(run.result.attestations.length)
  // In its list this registry names the configuration's media type as the artifact's: the manifests say it.
  for (const { digest } of manifests) {
    const { artifactType } = JSON.parse((await registry(image, `manifests/${digest}`)).body) as { artifactType: string }
    expect(artifactType).toBe('application/vnd.dev.sigstore.bundle.v0.3+json')
  }
}

/** go-containerregistry knows a repository from its first manifest on. */
async function expectNothingPublished(run: ActRun, image: string): Promise<void> {
  expectSuccess(run)
  expect(run.outputs.tags).toBe('')
  expect(run.result.attestations).toEqual([])
  expect((await registry(image, 'tags/list')).status).toBe(404)
}

function identityAt(ref: string) {
  const { git, oidc } = world.stack
  return { identity: `${git.url}/acme/app/.github/workflows/release.yml@${ref}`, issuer: oidc.issuer }
}

/** Bytes 18 and 19 of an ELF header name the machine. */
function machineOf(image: string, platform: string): number {
  const tar = execFileSync(world.stack.peers.go.crane, ['export', '--insecure', `--platform=${platform}`, image, '-'])
  const program = execFileSync('tar', ['-xOf', '-', 'program'], { input: tar })
  expect(program.subarray(0, 4).toString('latin1')).toBe('\x7fELF')
  return program.readUInt16LE(18)
}

test('a push publishes what BuildKit built for two platforms, and a later step reads its digest', async () => {
  const image = imageOf('push')
  const run = await act(world, {
    IMAGES: image,
    TAGS: 'v1',
    BUILDER: 'buildx',
    PLATFORMS: 'linux/amd64\nlinux/arm64',
  })
  await expectPublished(run, image, 'v1')
  expect(run.outputs).toMatchObject({ verdict: 'passed', 'source-verdict': 'passed' })
  expect(run.result.source?.commit).toBe(world.repository.head())
  expect([
    machineOf(run.outputs.image ?? '', 'linux/amd64'),
    machineOf(run.outputs.image ?? '', 'linux/arm64'),
  ]).toEqual([0x3e, 0xb7])
  expect(await verdicts(world, VERIFIERS, run.outputs.image ?? '', identityAt('refs/heads/main'))).toEqual(ACCEPTED)
})

test.each(['lightweight', 'annotated'])('a pushed %s tag publishes what buildah built of its commit', async kind => {
  const { repository } = world
  const image = imageOf(kind)
  const tag = `v2-${kind}`
  const note = kind === 'annotated' ? ['-a', '-m', 'Second'] : []
  repository.git('-c', 'user.name=Bob', '-c', 'user.email=bob@example.com', 'tag', ...note, tag, 'HEAD')
  await world.publish()
  const variables: Variables = { IMAGES: image, TAGS: tag, BUILDER: 'buildah' }
  const run = await act(world, variables, { claims: { ref: `refs/tags/${tag}` } })
  await expectPublished(run, image, tag)
  expect(run.outputs).toMatchObject({ 'source-verdict': 'not-asked' })
  const published = run.outputs.image ?? ''
  const expected = identityAt(`refs/tags/${tag}`)
  expect(await verdicts(world, ['cosign3'], published, expected)).toEqual({
    'cosign3 signature': 0,
    'cosign3 provenance': 0,
  })
  expect((await verify(world, 'waybill', 'signature', published, expected)).code).toBe(0)
  // No rule of a policy is about tags, so nobody judged the commits: who asks for provenance is told that.
  const provenance = await verify(world, 'waybill', 'provenance', published, expected)
  expect(provenance.code).toBe(1)
  expect(provenance.log).toContain('verify/source-not-enforced')
})

test('a dispatched run publishes, too, and its inputs stay its own', async () => {
  const image = imageOf('dispatch')
  const run = await act(
    world,
    { IMAGES: image, TAGS: 'nightly', BUILDER: 'buildx' },
    {
      claims: { event_name: 'workflow_dispatch' },
      event: {
        ref: 'refs/heads/main',
        inputs: { reason: 'my-own-reason' },
        repository: { id: 792829709, default_branch: 'main' },
      },
    },
  )
  await expectPublished(run, image, 'nightly')
  expect(JSON.stringify(run.result)).not.toContain('my-own-reason')
})

/** A pull request of one commit over main and GitHub's own merge of both. */
async function pullRequest(number: number, repositoryId: number) {
  const { repository } = world
  const base = repository.head() ?? ''
  repository.git('checkout', '--quiet', '-b', `improve-${number}`)
  const head = commit('Improve', { 'hello.txt': `improved by ${number}\n` })
  repository.git('checkout', '--quiet', 'main')
  const merge = repository.object({ message: 'Merge' }, repository.git('rev-parse', `${head}^{tree}`), [base, head])
  repository.git('update-ref', `refs/pull/${number}/head`, head)
  repository.git('update-ref', `refs/pull/${number}/merge`, merge)
  repository.git('branch', '--quiet', '-D', `improve-${number}`)
  await world.publish()
  return {
    head,
    options: {
      idToken: repositoryId === 792829709,
      claims: {
        event_name: 'pull_request',
        ref: `refs/pull/${number}/merge`,
        sha: merge,
        head_ref: `improve-${number}`,
        base_ref: 'main',
      },
      event: {
        action: 'opened',
        number,
        repository: { id: 792829709, default_branch: 'main' },
        pull_request: {
          number,
          user: { login: 'bob' },
          head: { sha: head, ref: `improve-${number}`, repo: { id: repositoryId } },
          base: { sha: base, ref: 'main', repo: { id: 792829709 } },
        },
      },
    },
  }
}

test.each([
  ['of the repository itself', 7, 792829709, 'never signed'],
  ['of a fork', 8, 4711, 'Unsigned draft: this run is for a pull request from outside'],
] as const)(
  'a pull request %s is built and judged; nothing is pushed, signed or tagged',
  async (_, number, id, says) => {
    const { head, options } = await pullRequest(number, id)
    const image = imageOf(`pull-${number}`)
    const run = await act(world, { IMAGES: image, BUILDER: 'buildx' }, options)
    await expectNothingPublished(run, image)
    expect(run.result.source?.commit).toBe(head)
    expect(run.log).toContain(says)
  },
)

test('a push of an unsigned commit fails the job, and nothing is pushed', async () => {
  const { repository } = world
  const before = repository.head() ?? ''
  const image = imageOf('unsigned')
  repository.commit({ message: 'Slip in', files: { 'hello.txt': 'evil\n' } })
  await world.publish()
  try {
    const run = await act(world, { IMAGES: image, TAGS: 'v1', BUILDER: 'buildx', SOURCE_MODE: 'enforce' })
    expect([run.code, run.outcome, run.outputs.verdict]).toEqual([1, 'failure', 'rejected'])
    expect(run.result.error?.code).toMatch(/^(policy|source)\//)
    expect((await registry(image, 'tags/list')).status).toBe(404)
  } finally {
    repository.git('reset', '--quiet', '--hard', before)
  }
})
