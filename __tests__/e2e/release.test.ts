import { join } from 'node:path'
import { jest } from '@jest/globals'
import { execute } from '../fakes/scenario.ts'

jest.setTimeout(240_000)

const TOOL = join(import.meta.dirname, '../../tools/release/dry-run.ts')

function dryRun(...args: readonly string[]) {
  const env = { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '' }
  return execute(['--disable-warning=ExperimentalWarning', TOOL, ...args], env, join(import.meta.dirname, '../..'))
}

test('Waybill releases Waybill up to the call that would publish it', async () => {
  const { code, log } = await dryRun('--name', '@acme/waybill')
  expect({ code, log: code === 0 ? '' : log }).toEqual({ code: 0, log: '' })
  const shown = log
    .replace(/\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?/g, '1.2.3')
    .replace(/[0-9a-f]{64}/g, '…')
    .replace(/[0-9a-f]{40}/g, '…')
    .replace(/\d+ bytes/, '… bytes')
  expect(shown.split('\n')).toEqual([
    'check    v1.2.3 is what package.json says, and CHANGELOG.md has a section for it',
    '         own names have no home yet: a real release ends here (OWN_URI_BASE in src/statements/uris.ts)',
    'pack     acme-waybill-1.2.3.tgz, … bytes, sha256:…, the same twice',
    'attest   release/acme-waybill-1.2.3.tgz.sigstore.json, by the program in the package; source: passed',
    'gate     passed: signed by this workflow on this tag',
    'gate     rejected, with one byte added: nothing below would happen',
    'gate     passed: the inputs of release.yml, on a signature of this tag by github.com',
    'gate     rejected: the same from a branch',
    'gate     rejected: the same from a fork',
    'publish  would run: npm publish "./release/acme-waybill-1.2.3.tgz" --provenance --access public --tag "latest" --ignore-scripts',
    'release  would create v1.2.3 with the package and its bundle',
    '         v0 would go from nowhere to …',
    '',
  ])
})
