import type { Receipt } from './receipt.ts'
import { visibleJson } from './visible-json.ts'

/** Keys in the order in which a person looks for them; a key that is not listed comes last, in the order of the alphabet. */
const ORDER: readonly string[] = [
  'schemaVersion',
  'command',
  'verdict',
  'recorded',
  'error',
  'notices',
  'notChecked',
  'since',
  'ruleChanges',
  'image',
  'materials',
  'reproducible',
  'items',
  'closed',
  'resolved',
  'repository',
  'ref',
  'commit',
  'levels',
  'source',
  'identity',
  'signingKey',
  'fingerprint',
  'policy',
  'explanation',
  'step',
  'outcome',
  'text',
  'engines',
  'asked',
  'compared',
  'notCompared',
  'refusedBefore',
  'disagreements',
  'run',
  'pinned',
  'evidence',
  'folder',
  'subjects',
  'link',
  'file',
  'document',
  'path',
  'line',
  'stages',
  'attestations',
  'stateArtifact',
  'requests',
  'suggestedPolicy',
  'name',
  'digest',
  'platform',
  'size',
  'basis',
  'by',
  'kind',
  'previous',
  'proof',
  'hosts',
  'principal',
  'key',
  'title',
  'author',
  'githubId',
  'derivedFrom',
  'review',
  'trustedTime',
  'enough',
  'label',
  'pull',
  'head',
  'commits',
  'statements',
  'earlier',
  'time',
  'from',
  'accepted',
  'proposed',
  'paths',
  'lines',
  'how',
  'what',
  'text',
  'loosens',
  'quarantine',
  'places',
  'findings',
  'code',
  'severity',
  'subject',
  'message',
  'expected',
  'found',
  'remedy',
  'links',
  'state',
  'signedAt',
  'record',
  'moved',
  'mode',
  'ms',
  'predicateType',
  'manifest',
  'bundle',
  'log',
  'stored',
  'notStored',
  'url',
  'index',
  'mediaType',
  'platforms',
  'tags',
  'builder',
  'pushed',
  'uri',
  'anchor',
  'san',
  'issuer',
  'below',
]

/**
 * The result object (`schemas/result.json`) as JSON with one line break at the end: the same receipt gives the same bytes.
 * Characters that a terminal would act on are written as JSON escapes: equal for a machine, harmless for a person.
 */
export function renderResult(receipt: Receipt): string {
  const text = JSON.stringify(receipt, (_key, value: unknown) => (isRecord(value) ? ordered(value) : value), 2)
  return `${visibleJson(text)}\n`
}

function ordered(object: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const keys = Object.keys(object).sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1))
  return Object.fromEntries(keys.map(key => [key, object[key]]))
}

function rank(key: string): number {
  const at = ORDER.indexOf(key)
  return at === -1 ? ORDER.length : at
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
