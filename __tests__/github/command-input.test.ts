import fc from 'fast-check'
import { readAttestInputs } from '../../src/github/attest-inputs.ts'
import { errorOf } from './support.ts'

const LAYOUT = { layout: 'out' }
const BAKE = { bake: 'docker-bake.hcl app' }

function attest(inputs: Readonly<Record<string, string>>) {
  return readAttestInputs(
    Object.fromEntries(Object.entries(inputs).map(([name, value]) => [`INPUT_${name.toUpperCase()}`, value])),
  )
}

test.each([
  [
    'ko build --bare --image-refs=images.txt ./cmd/app',
    ['ko', 'build', '--bare', '--image-refs=images.txt', './cmd/app'],
  ],
  ['./build.sh', ['./build.sh']],
  ['env  CGO_ENABLED=0\tko build', ['env', 'CGO_ENABLED=0', 'ko', 'build']],
  ['bazel\nbuild\n//app:image', ['bazel', 'build', '//app:image']],
  ['sh\n-c\necho $HOME; exit 3', ['sh', '-c', 'echo $HOME; exit 3']],
] as const)('the command %j is these words', (command, argv) => {
  expect(attest({ command, ...LAYOUT })).toMatchObject({ builder: 'command', command: argv })
})

test.each([
  './build.sh && ./push.sh',
  'ko build $APP',
  'ko build "./cmd/my app"',
  "sh -c 'make'",
  'make > log',
  'cat *',
  'make deps\nmake image',
])('the command %j is refused, for it looks like one of a shell, and is not shown', async command => {
  const error = await errorOf(() => attest({ command, ...LAYOUT }))
  expect([error.code, error.expected]).toEqual(['entry/input-malformed', expect.stringContaining('./build.sh')])
  expect(`${error.message} ${error.found}`).not.toContain(command)
})

test('no command is cut at anything but white space, whatever it holds', () => {
  const word = fc.stringMatching(/^[A-Za-z0-9_./:=,@%+-]{1,12}$/)
  fc.assert(
    fc.property(fc.array(word, { minLength: 1, maxLength: 8 }), words => {
      expect(attest({ command: words.join(' '), ...LAYOUT }).command).toEqual(words)
    }),
  )
})

test.each([
  [{ command: './build.sh' }, 'entry/input-contradiction'],
  [{ command: './build.sh', ...LAYOUT, 'image-refs': 'x' }, 'entry/input-contradiction'],
  [{ builder: 'command', ...LAYOUT }, 'entry/input-contradiction'],
  [{ builder: 'buildx', command: './build.sh', ...LAYOUT }, 'entry/input-contradiction'],
  [{ 'image-refs': 'x' }, 'entry/input-contradiction'],
  [{ 'command-isolation': 'none' }, 'entry/input-contradiction'],
  [{ 'command-isolation': 'some', command: './build.sh', ...LAYOUT }, 'entry/input-malformed'],
  [{ command: './build.sh', 'image-refs': '../x' }, 'entry/input-malformed'],
  [{ command: './build.sh', 'image-refs': '/tmp/x' }, 'entry/input-malformed'],
  [{ command: './build.sh', layout: '/tmp/x' }, 'entry/input-malformed'],
  [{ command: './build.sh', ...LAYOUT, platforms: 'linux/amd64' }, 'entry/input-contradiction'],
  [{ command: './build.sh', ...LAYOUT, 'build-args': 'A=b' }, 'entry/input-contradiction'],
  [{ command: './build.sh', ...LAYOUT, secrets: 'a=b' }, 'entry/input-contradiction'],
  [{ command: './build.sh', ...LAYOUT, digest: `sha256:${'a'.repeat(64)}` }, 'entry/input-contradiction'],
  [{ command: './build.sh', ...LAYOUT, 'materials-mode': 'audit' }, 'entry/input-contradiction'],
  [{ command: './build.sh', ...LAYOUT, ...BAKE }, 'entry/input-contradiction'],
  [{ bake: 'docker-bake.hcl' }, 'entry/input-malformed'],
  [{ bake: 'docker-bake.hcl app web' }, 'entry/input-malformed'],
  [{ bake: 'compose.yaml app' }, 'entry/input-malformed'],
  [{ bake: '../docker-bake.hcl app' }, 'entry/input-malformed'],
  [{ bake: '/docker-bake.hcl app' }, 'entry/input-malformed'],
  [{ bake: 'https://example.org/x.hcl app' }, 'entry/input-malformed'],
  [{ bake: 'docker-bake.hcl --push' }, 'entry/input-malformed'],
  [{ bake: '--file.hcl app' }, 'entry/input-malformed'],
  [{ ...BAKE, file: 'Dockerfile' }, 'entry/input-contradiction'],
  [{ ...BAKE, context: 'app' }, 'entry/input-contradiction'],
  [{ ...BAKE, target: 'x' }, 'entry/input-contradiction'],
  [{ ...BAKE, platforms: 'linux/amd64' }, 'entry/input-contradiction'],
  [{ ...BAKE, network: 'none' }, 'entry/input-contradiction'],
  [{ ...BAKE, 'build-contexts': 'a=b' }, 'entry/input-contradiction'],
] as const)('%j is refused', async (given, code) => {
  const error = await errorOf(() => attest(given))
  expect([error.code, (error.remedy ?? '') !== '']).toEqual([code, true])
})

test.each(['docker-bake.hcl app', './deploy/docker-bake.json\n  app'])('bake: %j is a file and a target', bake => {
  expect(attest({ bake, 'build-args': 'A=b' }).bake).toEqual({
    file: bake.startsWith('./') ? 'deploy/docker-bake.json' : 'docker-bake.hcl',
    target: 'app',
  })
})

test('a command may run in a folder of the commit', () => {
  expect(attest({ command: './build.sh', 'image-refs': 'out/refs', context: 'services/web' })).toMatchObject({
    context: 'services/web',
    imageRefs: 'out/refs',
  })
})
