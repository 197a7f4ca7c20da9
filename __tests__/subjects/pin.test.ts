// biome-ignore-all lint/suspicious/noTemplateCurlyInString: that is how compose writes a variable
import fc from 'fast-check'
import { utf8 } from '../../src/core/bytes.ts'
import { parseDigest } from '../../src/core/digest.ts'
import { asWaybillError } from '../../src/core/error.ts'
import { imagesInCompose } from '../../src/subjects/compose.ts'
import type { FoundImage } from '../../src/subjects/found.ts'
import { imagesInManifests } from '../../src/subjects/manifests.ts'
import { type Pin, pinImages } from '../../src/subjects/pin.ts'

const FILE = { file: 'a.yaml' }
const DIGEST = parseDigest(`sha256:${'a'.repeat(64)}`)
const OTHER = parseDigest(`sha256:${'b'.repeat(64)}`)

const imagesIn = (text: string) => imagesInManifests(utf8(text), FILE).images
const textOf = (bytes: Uint8Array) => new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes)
const pinAll = (images: readonly FoundImage[]): readonly Pin[] => images.map(image => ({ image, digest: DIGEST }))
const pinned = (text: string, pins: readonly Pin[] = pinAll(imagesIn(text))) =>
  textOf(pinImages(utf8(text), pins, FILE))

function codeOf(action: () => unknown): string {
  try {
    action()
  } catch (error) {
    return `${asWaybillError(error).code}: ${asWaybillError(error).message}`
  }
  return 'nothing'
}

const POD = 'kind: Pod\napiVersion: v1\nspec:\n  containers:\n'

test.each([
  ['plain, with a comment', '    - image: nginx:1 # one\n', `    - image: docker.io/library/nginx:1@${DIGEST} # one\n`],
  ['in single quotes', "    - {image: 'ghcr.io/a/b'}\n", `    - {image: 'ghcr.io/a/b@${DIGEST}'}\n`],
  [
    'in double quotes with an escape',
    '    - image:  "ghcr.io/a/\\x62:1"\n',
    `    - image:  "ghcr.io/a/b:1@${DIGEST}"\n`,
  ],
  [
    'behind an anchor and a tag',
    '    - image: &a !!str GHCR.IO/a/b:1\n',
    `    - image: &a !!str ghcr.io/a/b:1@${DIGEST}\n`,
  ],
  [
    'in a literal block',
    '    - image: |-\n        ghcr.io/a/b:1\n      name: x\n',
    `    - image: |-\n        ghcr.io/a/b:1@${DIGEST}\n      name: x\n`,
  ],
  [
    'in a folded block',
    '    - image: >-  # why\n        ghcr.io/a/b:1\n\n',
    `    - image: >-  # why\n        ghcr.io/a/b:1@${DIGEST}\n\n`,
  ],
  [
    'with CR LF',
    '    - image: ghcr.io/a/b:1\r\n      name: x\r\n',
    `    - image: ghcr.io/a/b:1@${DIGEST}\r\n      name: x\r\n`,
  ],
  [
    'at its anchor, once',
    '    - image: &a ghcr.io/a/b:1\n    - image: *a\n',
    `    - image: &a ghcr.io/a/b:1@${DIGEST}\n    - image: *a\n`,
  ],
  [
    'through a merge key',
    '    - &c {image: "ghcr.io/a/b:1"}\n    - <<: *c\n      name: x\n',
    `    - &c {image: "ghcr.io/a/b:1@${DIGEST}"}\n    - <<: *c\n      name: x\n`,
  ],
  ['an IPv6 host in quotes', '    - image: "[::1]:5000/a:1"\n', `    - image: "[::1]:5000/a:1@${DIGEST}"\n`],
  [
    'nothing that has its digest already',
    `    - image: GHCR.IO/a/b@${DIGEST}\n`,
    `    - image: GHCR.IO/a/b@${DIGEST}\n`,
  ],
])('13-adversary 33: pinning writes %s', (_, before, after) => {
  expect(pinned(POD + before)).toBe(POD + after)
})

test('pinning keeps a byte order mark', () => {
  const text = `\ufeff${POD}    - image: ghcr.io/a/b:1\n`
  expect(pinned(text)).toBe(text.replace('b:1', `b:1@${DIGEST}`))
})

test('pinning reads JSON too', () => {
  const object = { kind: 'Pod', apiVersion: 'v1', spec: { containers: [{ image: 'ghcr.io/a/b:1', name: 'é' }] } }
  for (const indent of [undefined, 2, '\t'] as const) {
    const text = JSON.stringify(object, undefined, indent)
    expect(pinned(text)).toBe(text.replace('b:1', `b:1@${DIGEST}`))
  }
})

test.each([
  [
    'put together from several values',
    'kind: X\nspec: {image: {repository: ghcr.io/a/b, tag: v1}}\n',
    'several values',
  ],
  [
    'whose anchor is used where no image stands',
    `${POD}    - image: &a ghcr.io/a/b:1\n      args: [*a]\n`,
    'which is no image',
  ],
])('13-adversary 33: pinning refuses an image %s', (_, text, words) => {
  expect(codeOf(() => pinned(text))).toMatch(new RegExp(`^verify/not-pinnable: .*${words}`))
})

test('pinning refuses one anchor with two digests, another digest, and another file', () => {
  const text = `${POD}    - image: &a ghcr.io/a/b:1\n    - image: *a\n`
  const [first, second] = imagesIn(text) as [FoundImage, FoundImage]
  const two = [
    { image: first, digest: DIGEST },
    { image: second, digest: OTHER },
  ]
  expect(codeOf(() => pinned(text, two))).toContain('one anchor stands for two images')
  expect(codeOf(() => pinned(text, [{ image: first, digest: DIGEST }]))).toContain('which is no image')
  expect(codeOf(() => pinned(text.replace('b:1', 'c:1'), pinAll([first, second])))).toContain(
    'not the one that was examined',
  )
  expect(codeOf(() => pinned(`# more\n${text}`, pinAll([first, second])))).toContain('not the one that was examined')
  const fixed = imagesIn(`${POD}    - image: ghcr.io/a/b@${OTHER}\n`)
  expect(codeOf(() => pinned(text, pinAll(fixed)))).toContain('already has another digest')
})

test('13-adversary 33: pinning a compose file replaces variables by what was judged, also in extension fields', async () => {
  const text =
    'x-a: &a\n  image: &i "ghcr.io/a/b:${TAG:-1}" # ours\nx-b: *a\nservices:\n  a: {<<: *a}\n  b:\n    image: *i\n'
  const { images } = await imagesInCompose(
    { files: ['a.yaml'] },
    { read: async path => (path === 'a.yaml' ? utf8(text) : undefined) },
  )
  expect(images).toHaveLength(2)
  expect(pinned(text, pinAll(images))).toBe(text.replace('"ghcr.io/a/b:${TAG:-1}"', `"ghcr.io/a/b:1@${DIGEST}"`))
})

/** Manifests in many layouts; the same image may stand at several places. */
const name = fc.stringMatching(/^[a-z][a-z0-9]{0,5}$/)
const image = fc
  .tuple(
    fc.constantFrom('', 'ghcr.io/', 'GHCR.IO/', 'registry.example:5000/x/'),
    name,
    fc.constantFrom('', ':1', ':v1.2-rc_3'),
  )
  .map(parts => parts.join(''))
const scalar = fc
  .tuple(image, fc.constantFrom('', "'", '"', '|-', '>-'))
  .map(([text, quote]) => (quote.endsWith('-') ? `${quote}\n          ${text}` : `${quote}${text}${quote}`))
const line = fc
  .tuple(scalar, fc.constantFrom('', ' # words: x', '  '))
  .map(([text, end]) => `    - image:  ${text}${/[|>]-/.test(text) ? '' : end}\n      name: a\n`)
const manifest = fc
  .tuple(
    fc.array(fc.tuple(fc.array(line, { minLength: 1, maxLength: 4 }), fc.boolean()), { minLength: 1, maxLength: 3 }),
    fc.boolean(),
    fc.boolean(),
  )
  .map(([documents, crlf, mark]) => {
    const text = documents
      .map(([lines, more]) => `${POD}${lines.join('')}${more ? '  # end\n  note: "ünïcode 😀"\n' : ''}`)
      .join('---\n')
    return (mark ? '\ufeff' : '') + (crlf ? text.replaceAll('\n', '\r\n') : text)
  })

test('13-adversary 33: undoing what pinning wrote gives the file back, byte for byte', () => {
  fc.assert(
    fc.property(manifest, text => {
      const before = imagesIn(text)
      const after = imagesIn(pinned(text))
      expect(after.map(({ reference }) => reference.digest)).toEqual(before.map(() => DIGEST))
      expect(after.map(({ reference }) => [reference.canonical, reference.tag])).toEqual(
        before.map(({ reference }) => [reference.canonical, reference.tag]),
      )
      let undone = pinned(text)
      for (const [index, found] of [...after.entries()].reverse()) {
        const [now, then] = [found.scalar, before[index]?.scalar]
        if (now === undefined || then === undefined) throw new Error('an image without a scalar')
        undone = undone.slice(0, now.start) + text.slice(then.start, then.end) + undone.slice(now.end)
      }
      expect(undone).toBe(text)
      expect(pinned(pinned(text))).toBe(pinned(text))
    }),
    { numRuns: 300 },
  )
})
