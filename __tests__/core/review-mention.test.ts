import fc from 'fast-check'
import { parseCommitId, sha256 } from '../../src/core/digest.ts'
import { mentionIn, mentionLine, reviewRef, reviewRefOf } from '../../src/core/review-mention.ts'

const HEAD = parseCommitId('a'.repeat(40))
const REF = reviewRef(HEAD, 'alice')
const STATEMENT = sha256('statement')
const MENTION = { ref: REF, head: HEAD, principal: 'alice', statement: STATEMENT }
const LINE = mentionLine(MENTION)

test('a mention is read back as it was written, wherever in the comment its line stands', () => {
  expect(LINE).toBe(`<!-- waybill-review: refs/waybill/reviews/${HEAD}/alice ${STATEMENT} -->`)
  for (const body of [LINE, `Approved.\n\n${LINE}`, `${LINE}\r\nmore`, `x\n${LINE} \t\ny`])
    expect(mentionIn(body)).toEqual(MENTION)
})

test.each([
  ['no marker', 'refs/waybill/reviews'],
  ['a quoted one', `> ${LINE}`],
  ['one with words before it', `see ${LINE}`],
  ['one with words after it', `${LINE} see`],
  ['one in the middle of a comment of HTML', `<!--\n${LINE.slice(5)}`],
  ['another ref', LINE.replace('reviews/', 'notes/')],
  ['a ref with a deeper name', LINE.replace('/alice', '/alice/bob')],
  ['a ref with dots for a name', LINE.replace('/alice', '/..')],
  ['a short head', LINE.replace(HEAD, HEAD.slice(1))],
  ['an upper-case head', LINE.replace(HEAD, HEAD.toUpperCase())],
  ['no statement', LINE.replace(` ${STATEMENT}`, '')],
  ['a statement with another hash', LINE.replace('sha256:', 'sha512:')],
  ['a statement twice', LINE.replace(STATEMENT, `${STATEMENT} ${STATEMENT}`)],
])('mentionIn() finds nothing in %s', (_what, body) => {
  expect(mentionIn(body)).toBeUndefined()
})

test('mentionIn() of any text is a mention whose line stands in it, or nothing', () => {
  const part = fc.oneof(fc.string({ maxLength: 30 }), fc.constantFrom(LINE, '\n', '\r\n', ' ', REF, STATEMENT, '-->'))
  fc.assert(
    fc.property(fc.array(part, { maxLength: 8 }), parts => {
      const body = parts.join('')
      const found = mentionIn(body)
      if (found !== undefined) expect(body).toContain(mentionLine(found))
    }),
  )
})

test('mentionIn() reads the longest comment at once', () => {
  for (const text of ['<!-- waybill-review: ', '<!-- waybill-review: x ', 'x\n', LINE.slice(0, -1)])
    expect(mentionIn(text.repeat(Math.ceil(65_536 / text.length)))).toBeUndefined()
})

test('reviewRefOf() reads what reviewRef() makes, and no other ref', () => {
  expect(reviewRefOf(REF)).toEqual({ ref: REF, head: HEAD, principal: 'alice' })
  fc.assert(
    fc.property(fc.string({ maxLength: 120 }), name => {
      for (const ref of [name, `refs/waybill/reviews/${name}`, `refs/waybill/reviews/${HEAD}/${name}`]) {
        const found = reviewRefOf(ref)
        if (found !== undefined) expect(reviewRef(found.head, found.principal)).toBe(ref)
      }
    }),
  )
})
