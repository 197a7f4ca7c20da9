import fc from 'fast-check'
import { parseCommitId } from '../../src/core/digest.ts'
import { isPrintable } from '../../src/core/text.ts'
import {
  changeOf,
  hasNews,
  keyText,
  originOf,
  readSections,
  renderComment,
  renderSection,
  type SectionFacts,
} from '../../src/report/comment.ts'
import { readForkReport, renderForkReport } from '../../src/report/fork-report.ts'
import { liveParts } from './markdown.ts'
import { MATERIAL_RECEIPTS } from './material-receipts.ts'
import { DRAFT, HOSTILE_TEXTS, hostile, LOOSENING, REJECTED, RELEASE } from './receipts.ts'

const HEAD = parseCommitId('c'.repeat(40))
const RUN_URL = 'https://github.com/acme/app/actions/runs/77/attempts/1'
const FACTS: SectionFacts = {
  key: { workflow: 'build.yml', job: 'build', name: 'app' },
  run: { id: '77', attempt: '1', url: RUN_URL },
  head: HEAD,
  changesGithub: false,
}

/** Everything else that people of a pull request may choose, chosen badly. */
const ESCAPES: readonly string[] = [
  ...HOSTILE_TEXTS,
  'GH-12 acme/app#3 #4 deadbeef deadbeefcafe0123 CVE-2026-1 GHSA-xxxx',
  'mail mallory@evil.example, ftp://evil.example, http://evil.example/?a=b',
  '<!-- waybill:build.yml/build/other -->',
  '\n<!-- waybill:build.yml/build/other -->\n',
  '@acme/owners @alice',
  '</summary></details><details open>',
  '<img src=x>&lt;b&gt;&#64;alice',
  '| a | b |\n|---|---|',
  '[Run 1, attempt 1](x) of `aaaa`',
  ':tada: \u00a0@alice \ufeff@alice',
]
const text = fc.oneof(
  fc.constantFrom(...ESCAPES),
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.string({
    unit: fc.constantFrom('`', '|', '\\', ' ', '<', '>', '@', '#', '-', '!', 'a', '1', '\n', '[', ']', '('),
    maxLength: 60,
  }),
)

/** Links that are made by us: to the run, and to the public log by a number. */
const isOurs = (href: string) => href === RUN_URL || /^https:\/\/search\.sigstore\.dev\/\?logIndex=\d+$/.test(href)

describe('13-adversary 35: whatever stands in commits, images, files and labels', () => {
  test('nothing of it is alive in a comment: no mention, reference, link, HTML or cell', () => {
    const plain = liveParts(renderComment([renderSection(hostile('x'), FACTS)]))
    fc.assert(
      fc.property(text, value => {
        const body = renderComment([renderSection(hostile(value), FACTS)])
        const { html, links, texts, tables, headings } = liveParts(body)
        expect({ html, texts, links: links.filter(href => !isOurs(href)) }).toEqual({ html: [], texts: [], links: [] })
        for (const rows of tables) expect(new Set(rows).size).toBe(1)
        expect(
          headings.filter(heading => !/^(?:✅|❌|⚠️) /u.test(heading) && !plain.headings.includes(heading)),
        ).toEqual([])
        for (const line of body.split('\n')) expect(isPrintable(line)).toBe(true)
        expect(readSections(body).map(({ key }) => key)).toEqual(['build.yml/build/app'])
      }),
      { numRuns: 300 },
    )
  })

  test('the marker holds the key and ends no comment of HTML', () => {
    fc.assert(
      fc.property(text, text, text, (workflow, job, name) => {
        const key = keyText({ workflow, job, name })
        const section = renderSection(RELEASE, { ...FACTS, key: { workflow, job, name } })
        expect(section.key).toBe(key)
        expect(key.replaceAll('-', '')).toMatch(/^[A-Za-z0-9._%]+\/[A-Za-z0-9._%]+\/[A-Za-z0-9._%]+$/)
        expect(key).not.toContain('--')
        expect(readSections(renderComment([section]))).toEqual([section])
      }),
    )
  })

  test('keys that differ stay apart, however long they are', () => {
    const long = 'a/b'.repeat(400)
    const key = (name: string) => keyText({ workflow: 'w.yml', job: 'j', name })
    expect(key(`${long}1`)).not.toBe(key(`${long}2`))
    expect(key(long).length).toBeLessThan(400)
  })

  test('a commit message of 70,000 characters fits', () => {
    const receipt = hostile(`${'`|<b>@alice '.repeat(6000)}`)
    expect(renderComment([renderSection(receipt, FACTS)]).length).toBeLessThanOrEqual(60_000)
  })
})

test('13-adversary 35: the first line has run and head and says what the record is', () => {
  const [first, second] = renderSection(RELEASE, FACTS).text.split('\n')
  expect(first).toBe(`[Run 77, attempt 1](${RUN_URL}) of \`${HEAD}\`. The check is the record, this comment is not.`)
  expect(second).toBe('')
})

test.each([
  [true, /^⚠️ \*\*This pull request changes `\.github\/\*\*`/],
  ['unknown', /^⚠️ \*\*Whether this pull request changes `\.github\/\*\*` could not be read/],
] as const)('13-adversary 36: a change of .github/** (%s) is said in the first line', (changesGithub, words) => {
  const section = renderSection(RELEASE, { ...FACTS, changesGithub })
  expect(section.text.split('\n')[0]).toMatch(words)
  expect(originOf(section)).toEqual({ run: '77', attempt: '1', head: HEAD })
})

test('13-adversary 35: a ready policy is never in a comment', () => {
  const text = renderSection({ ...RELEASE, suggestedPolicy: 'version: 1\nprincipals: {}' }, FACTS).text
  expect(text).not.toContain('principals')
})

test('the summary stands in it by its own words', () => {
  expect(renderSection(REJECTED, FACTS).text).toMatch(/\n## ❌ Rejected: /)
  expect(renderSection(DRAFT, FACTS).text).toContain('Unsigned draft')
})

test('sections stand in the order of their keys and are read back as they were', () => {
  const sections = ['web', 'api', 'worker'].map(name =>
    renderSection(RELEASE, { ...FACTS, key: { ...FACTS.key, name } }),
  )
  const body = renderComment(sections)
  expect(readSections(body).map(({ key }) => key)).toEqual(
    ['api', 'web', 'worker'].map(name => `build.yml/build/${name}`),
  )
  expect(readSections(body).find(({ key }) => key.endsWith('web'))).toEqual(sections[0])
  expect(renderComment(readSections(body.replaceAll('\n', '\r\n')))).toBe(body)
})

test('sections that are too long together keep their heads', () => {
  const sections = Array.from({ length: 40 }, (_, at) => ({
    ...renderSection(REJECTED, { ...FACTS, key: { ...FACTS.key, name: `n${String(at).padStart(2, '0')}` } }),
  })).map(section => ({ ...section, text: `${section.text}\n${'x'.repeat(3000)}` }))
  const body = renderComment(sections)
  expect(body.length).toBeLessThanOrEqual(60_000)
  expect(readSections(body)).toHaveLength(40)
  for (const section of readSections(body)) expect(originOf(section)?.head).toBe(HEAD)
  expect(body).toContain('## ❌ Rejected: the rest stands in the summary of the run.')
})

test('a body that does not begin with a marker has no sections', () => {
  const body = renderComment([renderSection(RELEASE, FACTS)])
  expect(readSections(`Look:\n\n${body}`)).toEqual([])
  expect(readSections('')).toEqual([])
})

test('on-change looks at the verdict and the base images alone', () => {
  const section = renderSection(MATERIAL_RECEIPTS.materials, FACTS)
  const again = renderSection(MATERIAL_RECEIPTS.materials, {
    ...FACTS,
    run: { ...FACTS.run, id: '78' },
    head: parseCommitId('d'.repeat(40)),
  })
  expect(changeOf(again)).toBe(changeOf(section))
  expect(changeOf(section).split('\n').length).toBeGreaterThan(1)
  expect(changeOf({ ...section, text: section.text.replace('✅ Passed', '❌ Rejected') })).not.toBe(changeOf(section))
  expect(changeOf({ ...section, text: section.text.replaceAll('sha256:', 'sha256:0') })).not.toBe(changeOf(section))
  expect([hasNews(RELEASE), hasNews(REJECTED)]).toEqual([false, true])
})

test('13-adversary 3: that the rules change is said however little room there is', () => {
  const path = (at: number) => `.github/workflows/${'\u202e'.repeat(280)}${at}.yml`
  const [change] = LOOSENING.ruleChanges ?? []
  const paths = Array.from({ length: 10 }, (_, at) => path(at))
  const ruleChanges = Array.from({ length: 3 }, () => ({ ...(change as NonNullable<typeof change>), paths }))
  const section = renderSection({ ...LOOSENING, ruleChanges }, FACTS, 30_000)
  expect(section.text).toContain('too long for a comment')
  expect(section.text).toContain('Rules changed by this pull request')
  expect(section.text).toContain('1 of 2 differences loosens the rules')
  const whole = renderSection(LOOSENING, FACTS)
  const cut = renderComment([whole, { key: 'build.yml/build/other', text: 'x'.repeat(100) }], whole.text.length - 100)
  expect(cut).toContain('the rest stands in the summary')
  expect(cut).toContain('Rules changed by this pull request')
  expect(changeOf({ key: '', text: cut })).not.toBe(changeOf(renderSection(RELEASE, FACTS)))
})

test('where not even the heads fit, what passed goes first, and how many went is said', () => {
  const sections = Array.from({ length: 60 }, (_, at) =>
    renderSection(at === 59 ? REJECTED : RELEASE, {
      ...FACTS,
      key: { workflow: 'build.yml', job: 'build', name: `app-${100 + at}` },
    }),
  )
  const body = renderComment(sections, 6_000)
  expect(body.length).toBeLessThanOrEqual(6_000)
  expect(body).toContain('❌ Rejected')
  expect(body).toMatch(/\d+ more sections? /)
  const [last] = readSections(body).slice(-1)
  expect(last && originOf(last)).toBeUndefined()
})

test('13-adversary 36: what a fork says leaves its room to what was checked here', () => {
  const row = { code: 'a/b', severity: 'reject', message: '|'.repeat(200), remedy: '' }
  const claimed = {
    ...REJECTED,
    subjects: [{ ...REJECTED.subjects[0], findings: Array.from({ length: 20 }, () => row) }],
  }
  const more = renderForkReport(readForkReport(Buffer.from(JSON.stringify(claimed))))
  const text = renderSection(REJECTED, FACTS, 60_000, [more, more, more].join('\n\n')).text
  expect(more.length).toBeLessThan(6_000)
  expect(text).not.toContain('too long for a comment')
})

test('13-adversary 35: the first line says for which branch was judged, and another branch is news', () => {
  const onto = (base: string) => renderSection(RELEASE, { ...FACTS, base })
  expect(onto('refs/heads/dev').text.split('\n')[0]).toMatch(/ Judged for `refs\/heads\/dev`\.$/)
  expect(onto('refs/heads/a`b @alice').text.split('\n')[0]).toMatch(/ Judged for ``refs\/heads\/a`b @alice``\.$/)
  expect(originOf(onto('refs/heads/dev'))?.head).toBe(HEAD)
  expect(changeOf(onto('refs/heads/dev'))).not.toBe(changeOf(onto('refs/heads/main')))
})
