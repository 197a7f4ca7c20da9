import { utf8 } from '../../../src/core/bytes.ts'
import { lockManifest } from '../../../src/materials/manifest/lock.ts'
import { parseManifest } from '../../../src/materials/manifest/parse.ts'

const OLD = 'ab'.repeat(32)
const NEW = 'cd'.repeat(32)
const LONG = '12'.repeat(64)
const PROOF = 'verify: {sigstore: {bundle: "{uri}.json", identity: a@e.example, issuer: "https://i.example"}}'

const TEXT = `# what we take in
version: 1
materials:
  - name: block            # kept
    uri: https://e.example/a   # where from
    digest:
      sha256: ${OLD}   # by hand
    use: {path: a}
  - {name: flow, uri: "https://e.example/b", digest: {sha256: "${OLD}"}, use: {path: b}} # end
  - name: open
    uri: https://e.example/c   # no digest yet
    ${PROOF}
    use: {path: c}
  - {name: inline, uri: https://e.example/d, ${PROOF}, use: {path: d}}
`

const lock = (
  text: string,
  locked: readonly (readonly [string, readonly (readonly ['sha256' | 'sha512', string])[]])[],
) =>
  Buffer.from(
    lockManifest(utf8(text), 'm.yml', new Map(locked.map(([name, digests]) => [name, new Map(digests)]))),
  ).toString()

test('lockManifest() changes digests and nothing else', () => {
  const out = lock(TEXT, [
    ['block', [['sha256', NEW]]],
    [
      'flow',
      [
        ['sha256', NEW],
        ['sha512', LONG],
      ],
    ],
    ['open', [['sha256', NEW]]],
    ['inline', [['sha256', NEW]]],
  ])
  expect(out).toBe(
    TEXT.replace(`sha256: ${OLD}   #`, `sha256: ${NEW}   #`)
      .replace(`{sha256: "${OLD}"}`, `{sha256: ${NEW}, sha512: "${LONG}"}`)
      .replace('# no digest yet\n', `# no digest yet\n    digest: {sha256: ${NEW}}\n`)
      .replace('https://e.example/d,', `https://e.example/d, digest: {sha256: ${NEW}},`),
  )
})

test('lockManifest() with the digests that stand there changes no byte, line ends of Windows are kept', () => {
  expect(lock(TEXT, [['block', [['sha256', OLD]]]])).toBe(TEXT)
  const windows = TEXT.replaceAll('\n', '\r\n')
  const out = lock(windows, [['open', [['sha256', NEW]]]])
  expect(out.replaceAll('\r\n', '')).not.toContain('\n')
  expect(parseManifest(utf8(out), 'm.yml')[2]?.digest).toEqual(new Map([['sha256', NEW]]))
})

test('lockManifest() refuses a name that is not there, and a digest that is none', () => {
  expect(() => lock(TEXT, [['nobody', [['sha256', NEW]]]])).toThrow(/cannot be written/)
  expect(() => lock(TEXT, [['block', [['sha256', 'x']]]])).toThrow(/cannot be read/)
})
