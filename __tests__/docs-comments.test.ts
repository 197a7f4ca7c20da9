import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import { ATTEST_INPUTS, COMMENT_INPUTS, type InputRow } from '../src/github/input-table.ts'

const PAGE = readFileSync(join(import.meta.dirname, '../docs/comments.md'), 'utf8')
const [CHECKS = '', COMPANION = ''] = [...PAGE.matchAll(/^```yaml\n([\s\S]*?)^```$/gm)].map(([, text = '']) => text)
const RIGHTS = { contents: 'read', 'pull-requests': 'write', actions: 'read' }

test.each<[string, string, string, readonly InputRow[]]>([
  ['checks', CHECKS, 'OWNER/waybill@v1', ATTEST_INPUTS],
  ['companion', COMPANION, 'OWNER/waybill/comment@v1', COMMENT_INPUTS],
])(
  'the workflow of docs/comments.md (%s) sets inputs that exist and has the rights it needs',
  (_name, text, uses, table) => {
    const { jobs, permissions } = parse(text)
    const [{ steps }] = Object.values(jobs) as [{ steps: { uses: string; with: object }[] }]
    expect(steps.map(step => step.uses)).toEqual([uses])
    expect(table.filter(({ served }) => served).map(({ name }) => name)).toEqual(
      expect.arrayContaining(Object.keys(steps[0]?.with ?? {})),
    )
    expect(permissions).toEqual(RIGHTS)
  },
)

test('the companion of docs/comments.md follows the workflow beside it', () => {
  expect(parse(COMPANION).on.workflow_run.workflows).toEqual([parse(CHECKS).name])
})

test('docs/comments.md names every input of the companion', () => {
  for (const { name } of COMMENT_INPUTS) expect(PAGE).toContain(`| \`${name}\` |`)
})
