import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { utf8 } from '../../src/core/bytes.ts'
import { type ImportPorts, importSigners, type SignersSource } from '../../src/pipeline/signers-import.ts'
import { renderSnapshot, type Snapshot, type SnapshotPrincipal } from '../../src/pipeline/snapshot.ts'
import { parsePolicy } from '../../src/policy/parse.ts'
import { breaks, type Schema } from '../report/schema.ts'

export const NOW = new Date('2026-05-01T12:00:00Z')

/** Ports that fail whatever a source asks of them that it should not need. */
export function ports(over: Partial<ImportPorts> = {}): ImportPorts {
  const no = () => Promise.reject(new Error('nothing is to be asked'))
  return { accounts: { account: no, members: no }, history: { commit: no }, now: NOW, ...over }
}

export function imported(source: SignersSource, over: Partial<ImportPorts> = {}) {
  return importSigners(source, ports(over))
}

export function allowed(text: string): Promise<{ snapshot: Snapshot; notes: readonly string[] }> {
  return imported({ kind: 'allowed-signers', path: 'signers', bytes: utf8(text) })
}

export function printed(...lines: (object | string)[]): SignersSource {
  const text = lines.map(line => (typeof line === 'string' ? line : JSON.stringify(line))).join('\n')
  return { kind: 'command', command: 'people', output: utf8(`${text}\n`) }
}

/** Kinds of the signers of a principal. */
export function kindsOf(principal: SnapshotPrincipal | undefined): readonly string[] {
  return (principal?.signers ?? []).map(signer => Object.keys(signer)[0] ?? '')
}

const SCHEMA = JSON.parse(readFileSync(join(import.meta.dirname, '../../schemas/snapshot.json'), 'utf8')) as Schema
const POLICY = `version: 1
snapshots: [{file: keys/team.json, role: imported}]
source: [{refs: [refs/heads/main], commits: {signers: ["@imported"]}}]
`

/** What a policy that names the snapshot makes of it: principal → kinds of its signers. Also checks its schema. */
export function asPolicyReads(snapshot: Snapshot): Readonly<Record<string, readonly string[]>> {
  const text = renderSnapshot(snapshot)
  expect(breaks(SCHEMA, JSON.parse(text))).toEqual([])
  const policy = parsePolicy(utf8(POLICY), '.github/waybill.yml', () => utf8(text))
  return Object.fromEntries(
    [...policy.principals].map(([name, { signers }]) => [name, signers.map(({ kind }) => kind)]),
  )
}
