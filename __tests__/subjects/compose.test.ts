// biome-ignore-all lint/suspicious/noTemplateCurlyInString: that is how compose writes a variable
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { utf8 } from '../../src/core/bytes.ts'
import { WaybillError } from '../../src/core/error.ts'
import { type ComposeRequest, imagesInCompose } from '../../src/subjects/compose.ts'
import { composeFilesIn } from '../../src/subjects/compose-files.ts'
import type { ComposeFiles } from '../../src/subjects/compose-reader.ts'
import { SUBJECT_LIMITS } from '../../src/subjects/limits.ts'
import { COMPOSE, expected, folders, outcome } from './vectors.ts'

const NAMES = folders(COMPOSE)

/** Files in memory. */
function inMemory(files: Readonly<Record<string, string>>): ComposeFiles {
  return {
    read: async path => {
      const text = Object.hasOwn(files, path) ? files[path] : undefined
      return text === undefined ? undefined : utf8(text)
    },
  }
}

const examine = (files: Readonly<Record<string, string>>, request: Partial<ComposeRequest> = {}) =>
  imagesInCompose({ files: ['compose.yaml'], ...request }, inMemory(files))

test('there are vectors', () => expect(NAMES.length).toBeGreaterThan(15))

test.each(NAMES)('13-adversary 33: compose %s', async name => {
  const folder = join(COMPOSE, name)
  const path = join(folder, 'request.json')
  const request = existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as Partial<ComposeRequest>) : {}
  const files = composeFilesIn(join(folder, 'project'))
  const got = await outcome(() => imagesInCompose({ files: ['compose.yaml'], ...request }, files))
  expect(got).toEqual(expected(folder, got))
})

test('13-adversary 33: the environment of this process is never asked', async () => {
  process.env.WAYBILL_TEST_TAG = '1'
  const { images, unexamined } = await examine({ 'compose.yaml': 'services: {a: {image: "x:$WAYBILL_TEST_TAG"}}' })
  delete process.env.WAYBILL_TEST_TAG
  expect([images.length, unexamined.length]).toEqual([0, 1])
})

test('13-adversary 43: a project that leads to more files than allowed is unknown', async () => {
  const files: Record<string, string> = {}
  const names = Array.from({ length: SUBJECT_LIMITS.composeFiles + 5 }, (_, index) => `${index}.yaml`)
  for (const name of names) files[name] = `services: {s${name.slice(0, -5)}: {image: "x:1"}}`
  files['compose.yaml'] = `include: [${names.join(', ')}]\nservices: {a: {image: "x:1"}}`
  const { unexamined } = await examine(files)
  expect(unexamined.map(({ error }) => error.message).join()).toContain('more than 100 files')
})

test('13-adversary 43: extends and include end after so many steps', async () => {
  const files: Record<string, string> = {}
  for (let index = 0; index < 40; index++)
    files[`${index}.yaml`] =
      `include: [${index + 1}.yaml]\nservices: {s${index}: {image: "x:1", extends: {service: s${index + 1}, file: ${index + 1}.yaml}}}`
  files['40.yaml'] = 'services: {s40: {image: "x:1"}}'
  const { unexamined } = await examine(files, { files: ['0.yaml'] })
  const messages = unexamined.map(({ error }) => error.message).join('\n')
  expect(messages).toContain('files that include each other, or too many')
  expect(messages).toContain('services that extend each other, or too many')
})

test('a compose file in JSON is one in YAML', async () => {
  const { images } = await examine({
    'compose.yaml': JSON.stringify({ services: { a: { image: 'ghcr.io/acme/a:1' } } }),
  })
  expect(images.map(({ reference }) => reference.canonical)).toEqual(['ghcr.io/acme/a'])
})

const PIECES = [
  'services:',
  'a',
  ': ',
  '\n',
  '  ',
  '- ',
  '{',
  '}',
  'image',
  '${',
  'TAG',
  ':-',
  '$',
  '"',
  'extends',
  'include',
  'build',
  '!reset ',
  '*x',
  '&x ',
  'compose.yaml',
  '.env',
  '=',
  '\\',
  '#',
  "'",
]

test('imagesInCompose() of anything put together from pieces gives images or a typed error', async () => {
  const text = fc.array(fc.constantFrom(...PIECES), { maxLength: 40 }).map(pieces => pieces.join(''))
  await fc.assert(
    fc.asyncProperty(text, text, fc.boolean(), async (compose, env, wrapped) => {
      const file = wrapped ? `services:\n  a:\n    image: ${compose}` : compose
      try {
        await examine({ 'compose.yaml': file, '.env': env })
      } catch (error) {
        expect(error).toBeInstanceOf(WaybillError)
        expect((error as WaybillError).code).toMatch(/^verify\//)
      }
    }),
    { numRuns: 2000 },
  )
})
