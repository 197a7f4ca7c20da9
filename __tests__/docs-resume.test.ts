import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { uploadStep } from '../src/github/artifacts.ts'
import { stateSteps } from '../src/report/kept.ts'
import type { Receipt } from '../src/report/receipt.ts'

const PAGE = readFileSync(join(import.meta.dirname, '../docs/resume.md'), 'utf8')

function block(kind: string): string | undefined {
  return new RegExp(`^\`\`\`yaml ${kind}\\n([\\s\\S]*?)^\`\`\`$`, 'm').exec(PAGE)?.[1]
}

test('the step that docs/resume.md shows is the one that a run prints', () => {
  expect(block('upload')).toBe(`${uploadStep('acme-app', 'https://github.com').join('\n')}\n`)
})

test('a server of one’s own has the older protocol only', () => {
  expect(uploadStep('acme-app', 'https://github.example.com')[0]).toBe('- uses: actions/upload-artifact@v3')
})

test('the steps around it are those of a summary', () => {
  const bundle = '/runner/temp/waybill/acme-app/bundles/signature.sigstore.json'
  const attestations = [{ predicateType: 'x', subject: `sha256:${'0'.repeat(64)}`, bundle }]
  const receipt = { attestations } as unknown as Receipt
  expect(block('state')).toBe(`${stateSteps(receipt).join('\n')}\n`)
  expect(stateSteps({ ...receipt, stateArtifact: 'waybill-state-acme-app' })).toEqual([])
})
