// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of a Dockerfile are what is tested
import { copyFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { jest } from '@jest/globals'
import fc from 'fast-check'
import type { AllowedMaterials } from '../../src/build/allowed.ts'
import { checkClosed } from '../../src/build/buildah-closed.ts'
import { CLOSED_POLICY } from '../../src/build/buildah-policy.ts'
import { tagFor, wantedImages } from '../../src/build/buildah-wanted.ts'
import { utf8 } from '../../src/core/bytes.ts'
import { WaybillError } from '../../src/core/error.ts'
import { findTool, run } from '../../src/io/process.ts'
import { readDockerfile } from '../../src/materials/dockerfile/instructions.ts'
import type { PullOptions } from '../../src/materials/dockerfile/pull.ts'
import { pullsOf } from '../../src/materials/dockerfile/pulls.ts'
import { parseReference } from '../../src/registry/reference.ts'
import { DIGEST, temporaryFolder } from '../build/support.ts'

// Real builds on a busy machine.
jest.setTimeout(600_000)

const RUNS = Number(process.env.READING_RUNS ?? 20)
const BUSYBOX = ['/bin/busybox', '/usr/bin/busybox'].find(existsSync) ?? ''
const IMAGES = ['a', 'b', 'c'].map(name => `reg.example/acme/${name}:1`)
const OPTIONS: PullOptions = {
  buildArgs: new Map([['GIVEN', 'reg.example/acme/c']]),
  contexts: new Map(),
  buildPlatform: 'linux/amd64',
  targetPlatform: 'linux/amd64',
}
const ALLOWED: AllowedMaterials = {
  images: IMAGES.map(name => ({
    reference: parseReference(name),
    digest: DIGEST,
    names: [name],
    use: 'base',
    private: false,
  })),
  urls: [],
  repositories: [],
  contexts: new Map(),
  pulls: [],
}

const folder = temporaryFolder()
const context = join(folder, 'context')

/** One storage for all: its images have names that no Dockerfile says, and get others for one build. */
async function buildah(...args: readonly string[]): Promise<{ code: number; text: string }> {
  const flags = [`--root=${folder}/root`, `--runroot=${folder}/run`, '--storage-driver=vfs']
  const env = {
    PATH: process.env.PATH ?? '',
    HOME: folder,
    CONTAINERS_REGISTRIES_CONF: join(folder, 'registries.conf'),
  }
  const file = findTool('buildah', process.env.PATH ?? '') ?? ''
  const { code, stdout, stderr } = await run({ file, args: [...flags, ...args], env })
  return { code, text: Buffer.concat([stdout, stderr]).toString() }
}

async function build(text: string, ...more: readonly string[]): Promise<{ code: number; text: string }> {
  const file = join(folder, 'Dockerfile')
  writeFileSync(file, text)
  const flags = ['--isolation=chroot', '--layers', '--no-cache', '--force-rm', '--pull=never', '--platform=linux/amd64']
  return buildah('build', ...flags, ...more, `--file=${file}`, context)
}

beforeAll(async () => {
  mkdirSync(context)
  copyFileSync(BUSYBOX, join(context, 'busybox'))
  writeFileSync(join(context, 'local'), 'l')
  writeFileSync(join(folder, 'registries.conf'), 'unqualified-search-registries = ["docker.io"]\n')
  writeFileSync(join(folder, 'policy.json'), JSON.stringify(CLOSED_POLICY))
  for (const name of IMAGES) {
    const lines = ['FROM scratch', 'COPY busybox /bin/busybox', 'COPY local /who', `ENV KIND=${name}`]
    expect(await build(lines.join('\n'), `--tag=${kept(name)}`)).toMatchObject({ code: 0 })
  }
})

function kept(name: string): string {
  return `kept.example/${name.slice('reg.example/'.length)}`
}

const pick = (...values: readonly string[]) => fc.constantFrom(...values)
const heading = pick(
  'ARG V=1',
  'ARG V="1"',
  "ARG V='1'",
  'ARG V',
  'ARG V=2',
  'ARG I=reg.example/acme/a',
  'ARG J=$I',
  'ARG J=${I:-reg.example/acme/b}',
  'ARG I=reg.example/acme/b V=1',
  'ARG GIVEN',
  'ARG GIVEN=reg.example/acme/a',
  'ARG S=one',
  'ARG TARGETARCH=1',
  '# comment',
  '# escape=`',
  '# escape=\\',
  '',
)
const word = pick(
  ...IMAGES,
  'reg.example/acme/a:$V',
  'reg.example/acme/a:${V}',
  'reg.example/acme/b:${V:-1}',
  'reg.example/acme/c:${NONE:-1}',
  'reg.example/acme/c${V:+:1}',
  '$I:1',
  '${J}:1',
  '$J:$V',
  '$GIVEN:1',
  '${I%a}b:1',
  '"reg.example/acme/a:1"',
  'reg.example/acme/a:\\1',
  'reg.example/acme/$TARGETARCH:1',
  'one',
  'two',
  'One',
  '$S',
  '0',
  'scratch',
  'evil.example/x',
)
const from = fc
  .tuple(
    pick('FROM', 'from', 'FrOm'),
    pick(' ', '\t', '  ', ' \\\n', ' \\\n# c\n\n'),
    word,
    pick('', ' AS one', ' as two', ' AS One', ' AS three'),
  )
  .map(parts => parts.join(''))
const source = pick('one', 'two', 'ONE', '0', '1', '00', ...IMAGES, '$V', 'evil.example/x', 'scratch')
const body = fc.oneof(
  fc
    .tuple(
      pick('COPY --from=', 'copy --from=', 'COPY \\\n --from=', 'COPY "--from="', 'COPY --from='),
      source,
      pick(' /who /x', ' ["/who", "/x"]', ' ["/who", "/x"] y'),
    )
    .map(parts => parts.join('')),
  fc
    .tuple(
      pick('RUN --mount=type=bind,from=', 'RUN --mount=type=bind,target=/m,from=', 'RUN --mount=from='),
      source,
      pick(',target=/m', ',dst=/n', ''),
      pick(' ["/bin/busybox", "true"]'),
    )
    .map(parts => parts.join('')),
  pick(
    'COPY local /y',
    'COPY local \\\\\n /y',
    'COPY <<EOF /y\nFROM evil.example/x\nEOF',
    'RUN <<EOF\nEOF',
    'ADD local /z',
    'ADD loc$NONE /z',
    'ENV A=b',
    'ENV A="FROM evil.example/x \\\nRUN"',
    'ARG V',
    'LABEL a="\\\nb"',
    '# FROM evil.example/x \\',
    'ONBUILD COPY --from=evil.example/x / /',
    'ONBUILD COPY local /o',
    'CMD ["x"]',
    'RUN ["/bin/busybox", "true"] \\\n  # c\\\n\n',
    'COPY local /y\r',
    'COPY local /y\\ ',
  ),
)
const dockerfile = fc
  .tuple(
    fc.array(heading, { maxLength: 4 }),
    fc.array(fc.tuple(from, fc.array(body, { maxLength: 3 })), { minLength: 1, maxLength: 3 }),
  )
  .map(([first, stages]) => [...first, ...stages.flatMap(([head, lines]) => [head, ...lines]), ''].join('\n'))

/** Names that the reader found, or undefined where it refuses the file. */
async function wanted(text: string): Promise<readonly string[] | undefined> {
  try {
    const file = readDockerfile(utf8(text))
    await checkClosed({ file, text }, ALLOWED, [OPTIONS])
    return wantedImages(pullsOf(file, OPTIONS), ALLOWED, OPTIONS.targetPlatform).map(tagFor)
  } catch (error) {
    expect(error).toBeInstanceOf(WaybillError)
    return undefined
  }
}

test('13-adversary 18: buildah finds no other image than the reader, in whatever file it accepts', async () => {
  const counts = { refused: 0, built: 0, failed: 0 }
  await fc.assert(
    fc.asyncProperty(dockerfile, async text => {
      const names = await wanted(text)
      if (names === undefined) {
        counts.refused++
        return fc.pre(false)
      }
      for (const name of names) await buildah('tag', kept(name), name)
      const result = await build(
        text,
        `--signature-policy=${join(folder, 'policy.json')}`,
        '--build-arg=GIVEN=reg.example/acme/c',
      )
      for (const name of new Set(names)) await buildah('rmi', name)
      expect(result.text).not.toMatch(/image not known|no stage or image found|rejected by policy|has not been built/)
      counts[result.code === 0 ? 'built' : 'failed']++
    }),
    { numRuns: RUNS, seed: 18, maxSkipsPerRun: 10_000 },
  )
  if (process.env.READING_RUNS !== undefined) process.stderr.write(`${JSON.stringify(counts)}\n`)
  expect(counts.built).toBeGreaterThan(counts.failed)
  expect(counts.refused).toBeGreaterThan(0)
})
