import fc from 'fast-check'
import { readAttestInputs } from '../../src/github/attest-inputs.ts'
import { parseSecrets } from '../../src/github/build-option-inputs.ts'
import { errorOf } from '../build/support.ts'

test('secrets stand one a line, those of several lines in quotes', () => {
  const text = [
    'NPM_TOKEN=abc=def==',
    '',
    '  quote=a "b" c ',
    '"key.pem=-----BEGIN-----',
    'say ""friend""',
    '',
    '-----END-----"',
    'last=1',
  ]
  expect([...parseSecrets(text.join('\n'))]).toEqual([
    ['NPM_TOKEN', 'abc=def=='],
    ['quote', 'a "b" c'],
    ['key.pem', '-----BEGIN-----\nsay "friend"\n\n-----END-----'],
    ['last', '1'],
  ])
  expect([...parseSecrets(text.join('\r\n')).keys()]).toEqual(['NPM_TOKEN', 'quote', 'key.pem', 'last'])
  expect(parseSecrets('').size).toBe(0)
})

const HIDDEN = 'hidden-value'
test.each([
  ['no id', HIDDEN],
  ['an empty id', `=${HIDDEN}`],
  ['no quote at the end', `"a=${HIDDEN}\nb=c`],
  ['text behind the quote', `"a=x"${HIDDEN}`],
  ['a second line without quotes', `a=x\n${HIDDEN}`],
  ['a line of a key as an id', `a=x\n${HIDDEN}+/AAA==`],
  ['an id with a space', `a ${HIDDEN}=x`],
])('%s: refused, without showing the text', async (_, text) => {
  const error = await errorOf(() => parseSecrets(text))
  expect(error.code).toBe('build/secret-malformed')
  expect(JSON.stringify({ ...error, message: error.message })).not.toContain(HIDDEN)
  expect(error.remedy).toContain('double quotes')
})

test('an empty secret and one given twice are refused', async () => {
  const empty = await errorOf(() => parseSecrets('NPM_TOKEN='))
  expect([empty.code, empty.remedy]).toEqual(['build/secret-malformed', expect.stringContaining('forks')])
  expect((await errorOf(() => parseSecrets('a=1\na=2'))).code).toBe('entry/input-malformed')
})

test('whatever is written in quotes is read as it was meant, and no text is shown or takes long', () => {
  const value = fc.string({ unit: 'binary', minLength: 1 }).filter(text => text.trim() !== '')
  fc.assert(
    fc.property(value, text => {
      expect(parseSecrets(`"id=${text.replaceAll('"', '""')}"`).get('id')).toBe(text)
    }),
  )
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom('"', '=', 'a', '\n', ' ') }), text => {
      try {
        parseSecrets(text)
      } catch (error) {
        expect(String((error as { code?: string }).code)).toMatch(/^(?:build|entry)\//)
      }
    }),
  )
})

test('the inputs are read, and the job’s agent beside them', () => {
  const read = readAttestInputs({
    INPUT_SECRETS: 'a=1',
    'INPUT_SECRET-FILES': 'b=key.pem',
    INPUT_SSH: 'default\ndeploy=/key',
    'INPUT_BUILD-CONTEXTS': 'lib=shared/lib',
    'INPUT_CACHE-FROM': 'type=gha\nacme/app:cache',
    'INPUT_CACHE-TO': 'type=gha,mode=max',
    SSH_AUTH_SOCK: '/tmp/agent',
  })
  expect(read).toMatchObject({
    secrets: new Map([['a', '1']]),
    secretFiles: new Map([['b', 'key.pem']]),
    ssh: ['default', 'deploy=/key'],
    sshAgent: '/tmp/agent',
    buildContexts: new Map([['lib', 'shared/lib']]),
    cacheFrom: ['type=gha', 'acme/app:cache'],
    cacheTo: ['type=gha,mode=max'],
  })
})

test.each(['secrets', 'secret-files', 'ssh', 'build-contexts', 'cache-from', 'cache-to'])(
  '%s shapes a build, and contradicts a builder that builds nothing',
  async name => {
    const given = { [`INPUT_${name.toUpperCase()}`]: 'a=b' }
    const digest = `sha256:${'a'.repeat(64)}`
    expect((await errorOf(() => readAttestInputs({ ...given, INPUT_DIGEST: digest }))).code).toBe(
      'entry/input-contradiction',
    )
    expect((await errorOf(() => readAttestInputs({ ...given, INPUT_LAYOUT: 'out' }))).code).toBe(
      'entry/input-contradiction',
    )
  },
)
