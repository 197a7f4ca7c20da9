import { sha256 } from '../../src/core/digest.ts'
import { fileStatement } from '../../src/statements/file.ts'
import { parseStatement } from '../../src/statements/parse.ts'
import { COSIGN_SIGN_PREDICATE } from '../../src/statements/statement.ts'

const PAE = 'DSSEv1 28 application/vnd.in-toto+json 2 {}'

test('13-adversary 22: a file is named by its digest, whatever its bytes are', () => {
  const statement = parseStatement(fileStatement({ name: 'dist/app.tgz', digest: sha256(PAE) }))
  expect(statement).toEqual({
    subject: [{ name: 'dist/app.tgz', digest: { sha256: sha256(PAE).slice(7) } }],
    predicateType: COSIGN_SIGN_PREDICATE,
    predicate: {},
  })
  expect(Buffer.from(fileStatement({ name: 'dist/app.tgz', digest: sha256(PAE) })).toString()).not.toContain('DSSEv1')
})

test('a claim of its own is stated as it is, and an unreadable one is refused', () => {
  const file = { name: 'app.tgz', digest: sha256('') }
  const claim = { predicateType: 'https://example.com/scan/v1', predicate: { findings: [] } }
  expect(parseStatement(fileStatement(file, claim))).toMatchObject(claim)
  expect(() => fileStatement(file, { ...claim, predicateType: '' })).toThrow(
    expect.objectContaining({ code: 'statements/malformed' }),
  )
})
