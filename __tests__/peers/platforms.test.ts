import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { jest } from '@jest/globals'
import { REGISTRIES } from '../../tools/peers/registries.ts'
import { Matrix } from './matrix.ts'
import {
  ACCEPTED,
  attest,
  expectedOf,
  openWorld,
  pinned,
  repositoryIn,
  VERIFIERS,
  verdicts,
  type World,
} from './world.ts'

/** Images for two platforms: one program, compiled for both, and no emulation anywhere. */
jest.setTimeout(240_000)

const ARCHITECTURES = ['amd64', 'arm64'] as const

const matrix = new Matrix('platforms')
let world: World
beforeAll(async () => {
  world = await openWorld()
  world.repository.commit({
    message: 'Build for two platforms',
    signer: world.alice,
    files: {
      ...Object.fromEntries(ARCHITECTURES.map(name => [`app/hello-${name}`, compile(name)])),
      'app/busybox': readFileSync(world.stack.peers.debian.busybox),
      // The check runs on the machine's own platform; what it checked is copied for each.
      'app/Dockerfile': `FROM --platform=$BUILDPLATFORM scratch AS check
COPY --chmod=755 busybox /bin/busybox
COPY --chmod=755 hello-* /hello/
RUN ["/bin/busybox", "sh", "-c", "test -x /hello/hello-amd64 && test $(/bin/busybox ls /hello | /bin/busybox wc -l) = 2"]
FROM scratch
ARG TARGETARCH
COPY --from=check /hello/hello-\${TARGETARCH} /hello
ENTRYPOINT ["/hello"]
`,
    },
  })
  await world.publish()
})
afterAll(async () => {
  matrix.write()
  await world?.close()
})

/** A static program for Linux on this architecture. */
function compile(architecture: string): Uint8Array {
  const folder = mkdtempSync(join(tmpdir(), 'waybill-hello-'))
  writeFileSync(join(folder, 'main.go'), 'package main\n\nfunc main() { println("hello") }\n')
  const env = { ...process.env, GOOS: 'linux', GOARCH: architecture, CGO_ENABLED: '0', GO111MODULE: 'off' }
  const program = join(folder, 'hello')
  execFileSync('go', ['build', '-trimpath', '-ldflags=-s -w', '-o', program, 'main.go'], { cwd: folder, env })
  return readFileSync(program)
}

test.each(
  REGISTRIES.flatMap(registry => (['buildx', 'buildah'] as const).map(builder => [registry, builder] as const)),
)('registry %s: index and both platforms that %s built are accepted by every verifier', async (registry, builder) => {
  const repository = repositoryIn(world, registry, `platforms-${builder}`)
  const inputs = { images: repository, builder, context: 'app', platforms: 'linux/amd64\nlinux/arm64', tags: 'v1' }
  const result = await attest(world, inputs)
  expect(`${result.code} ${result.code === 0 ? '' : result.log}`).toBe('0 ')
  const platforms = result.result.image?.platforms ?? []
  expect(platforms.map(({ platform }) => platform).sort()).toEqual(['linux/amd64', 'linux/arm64'])
  const subjects = { index: result.outputs.digest, ...Object.fromEntries(platforms.map(p => [p.platform, p.digest])) }
  for (const [name, digest] of Object.entries(subjects)) {
    const codes = await verdicts(world, VERIFIERS, pinned(repository, digest), expectedOf(world))
    expect(matrix.record(`${registry} × ${builder}, ${name}`, codes)).toEqual(ACCEPTED)
  }
})
