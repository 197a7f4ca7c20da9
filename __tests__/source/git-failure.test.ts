import { asWaybillError } from '../../src/core/error.ts'
import { explainFailure } from '../../src/source/git-failure.ts'

const explain = (stderr: string, token = false) =>
  asWaybillError(
    explainFailure(
      { code: 128, stderr: Buffer.from(stderr) },
      { doing: 'fetch x', url: 'https://example.com/acme/app', token },
    ),
  )

test.each([
  { stderr: 'fatal: remote error: upload-pack: not our ref 1111', code: 'source/commit-not-found', kind: 'unknown' },
  { stderr: "fatal: couldn't find remote ref 1111", code: 'source/commit-not-found', kind: 'unknown' },
  {
    stderr: 'fatal: mismatched algorithms: client sha1; server sha256',
    code: 'source/repository-unsupported',
    kind: 'configuration',
  },
  { stderr: 'error: x did not send all necessary objects', code: 'source/object-missing', kind: 'unknown' },
  { stderr: 'error: hash mismatch 1111\nfatal: bad object 1111', code: 'source/object-forged', kind: 'rejected' },
  { stderr: 'fatal: something new', code: 'source/repository-unreachable', kind: 'unknown' },
  { stderr: '', code: 'source/repository-unreachable', kind: 'unknown' },
])('explainFailure() of "$stderr" is $code', ({ stderr, code, kind }) => {
  expect(explain(stderr)).toMatchObject({ code, kind })
})

test.each([
  { stderr: "fatal: could not read Username for 'https://example.com': terminal prompts disabled" },
  { stderr: "fatal: unable to access 'https://example.com/': The requested URL returned error: 403" },
  { stderr: "remote: Repository not found.\nfatal: repository 'https://example.com/acme/app/' not found" },
])('explainFailure() tells a missing token from one that may not: $stderr', ({ stderr }) => {
  expect(explain(stderr)).toMatchObject({
    code: 'source/repository-unreachable',
    remedy: expect.stringContaining('github-token'),
  })
  expect(explain(stderr, true)).toMatchObject({ remedy: expect.stringMatching(/token may/) })
})

test('13-adversary 35: words of the server are shown as one printable line', () => {
  expect(explain('fatal: a\u001b[31m\u202eb\nsecond').found).toBe('fatal: a\\u{1b}[31m\\u{202e}b')
})
