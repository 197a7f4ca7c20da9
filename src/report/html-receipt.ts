import { inReadingOrder, isCommit, isTag, levelWords, reviewText, shortKey } from './commits.ts'
import { othersOf, worstFirst } from './counts.ts'
import { shortName } from './groups.ts'
import { commitAddress, type Html, html, link, logAddress } from './html.ts'
import { page } from './html-page.ts'
import {
  badge,
  banner,
  code,
  dataTable,
  factList,
  findingItem,
  fold,
  plainList,
  section,
  type Tone,
} from './html-parts.ts'
import { subjectTree } from './html-subject.ts'
import { closedWords, materialsInOrder, proofText } from './materials.ts'
import type { Receipt, SubjectReceipt } from './receipt.ts'
import { reproducibleLines } from './reproducible.ts'
import { freshChanges, loosensFirst, standing, weight } from './rule-changes.ts'
import { bytes, duration } from './text.ts'
import { quarantineText, STAGE_WORDS, stateWord, VERDICT_WORDS, wasTimed } from './words.ts'

const TONES = {
  passed: 'ok',
  rejected: 'bad',
  unknown: 'warn',
  'not-asked': 'calm',
  'not-reached': 'calm',
} as const satisfies Record<string, Tone>
/** Shown one by one; the rest is counted. */
const SUBJECTS = 100

/** A run's receipt as a page of its own: the facts of the summary, in its order. */
export function renderReceiptPage(receipt: Receipt): string {
  const { command, verdict, notChecked, stages } = receipt
  const name = nameOf(receipt)
  const header = html`<p class="kicker">Waybill: ${command.replace(/^waybill /, '')}</p><h1>${name}</h1>${noticeLines(receipt)}${banner(
    TONES[verdict],
    VERDICT_WORDS[verdict],
    verdictText(receipt),
  )}`
  const main = [
    ...ruleParts(receipt),
    ...(receipt.error === undefined
      ? []
      : [section('What went wrong', findingItem({ ...receipt.error, severity: 'reject' }))]),
    ...subjectParts(receipt),
    ...imageParts(receipt),
    ...commitParts(receipt),
    ...materialParts(receipt),
    ...againParts(receipt),
    ...attestationParts(receipt),
    section(
      'What was not checked',
      notChecked.length === 0 ? html`<p>Nothing was left out.</p>` : plainList(notChecked),
    ),
    ...(stages.length === 0 ? [] : [section('Stages', stageTable(receipt))]),
  ]
  return page(`${VERDICT_WORDS[verdict]}: ${name}`, header, main)
}

function nameOf({ image, subjects, source }: Receipt): string {
  if (image !== undefined) return image.repository
  const [first, ...more] = othersOf(subjects)
  if (first !== undefined && more.length === 0) return shortName(first)
  if (first !== undefined) return `${more.length + 1} subjects`
  return source?.repository ?? 'nothing'
}

function noticeLines({ notices }: Receipt): readonly Html[] {
  return notices.map(notice => html`<p class="notice">${notice}</p>`)
}

function verdictText(receipt: Receipt): Html {
  const { image, source, policy, identity, run, notChecked } = receipt
  const open = notChecked.length === 1 ? '1 point' : `${notChecked.length} points`
  const repository = source?.repository
  const levels = levelWords(receipt, id => id).map(line => html`<p>${line}</p>`)
  return html`${levels}${factList([
    ...(image === undefined ? [] : [{ name: 'digest', shown: code(image.digest) }]),
    ...(source === undefined
      ? []
      : [
          {
            name: 'commit',
            shown: html`<code>${link(source.commit, commitAddress(repository, source.commit))}</code>`,
          },
        ]),
    ...(policy === undefined ? [] : [{ name: 'policy', value: policy.uri }]),
    ...(identity === undefined ? [] : [{ name: 'signed by', value: identity.san }]),
    ...(run === undefined ? [] : [{ name: 'run', shown: link(run, run) }]),
    ...(notChecked.length === 0 ? [] : [{ name: 'not checked', value: `${open}, listed below` }]),
  ])}`
}

/** 13-adversary 3: what changes the rules is seen before everything else. */
function ruleParts(receipt: Receipt): readonly Html[] {
  const changes = freshChanges(receipt)
  if (changes.length === 0) return []
  const items = changes.map(change => {
    const lines = loosensFirst(change.lines).map(
      ({ how, text, loosens }) =>
        html`<li>${how} <code>${text}</code>${loosens ? html` ${badge('warn', 'loosens')}` : undefined}</li>`,
    )
    return html`<div class="finding"><p><code>${change.commit.slice(0, 12)}</code> ${standing(change)}: ${weight(change)}</p><p class="muted">${change.paths.join(', ')}</p><ul class="plain">${lines}</ul></div>`
  })
  return [section('Rules that change', items)]
}

function subjectParts({ subjects }: Receipt): readonly Html[] {
  const all = [...subjects.filter(isTag), ...worstFirst(othersOf(subjects))]
  if (all.length === 0) return []
  const shown = all.slice(0, SUBJECTS).map(subjectItem)
  const more = all.length - shown.length
  return [
    section(
      all.length === 1 ? 'The subject' : 'The subjects',
      html`${shown}${more > 0 ? html`<p class="muted">${more} more in the result JSON.</p>` : undefined}`,
    ),
  ]
}

function subjectItem(subject: SubjectReceipt): Html {
  const { verdict, digest, basis, by, quarantine, findings, links = [] } = subject
  const facts = factList([
    ...(digest === '' ? [] : [{ name: 'digest', shown: code(digest) }]),
    ...(basis === undefined ? [] : [{ name: 'basis', value: basis }]),
    ...(by === undefined ? [] : [{ name: 'signed by', value: by }]),
    ...(quarantine === undefined ? [] : [{ name: 'quarantine', value: quarantineText(quarantine) }]),
  ])
  return html`<div class="finding"><h3>${badge(TONES[verdict], stateWord(verdict))} ${shortName(subject)}</h3>${facts}${links.length === 0 ? undefined : subjectTree(links)}${findings.map(findingItem)}</div>
`
}

function imageParts({ image }: Receipt): readonly Html[] {
  if (image === undefined || image.platforms.length === 0) return []
  const rows = image.platforms.map(({ platform, digest, size }) => [platform, code(digest), bytes(size)])
  return [section('Platforms', dataTable('Platforms of the image', ['platform', 'digest', 'size'], rows))]
}

function commitParts({ subjects, source }: Receipt): readonly Html[] {
  const commits = inReadingOrder(subjects.filter(isCommit))
  if (commits.length === 0) return []
  const repository = source?.repository
  const rows = commits.map(commit => [
    html`<code>${link(commit.digest.slice(0, 12), commitAddress(repository, commit.digest))}</code>`,
    badge(TONES[commit.verdict], stateWord(commit.verdict)),
    commit.title ?? '–',
    commit.author ?? '–',
    commit.principal ?? '–',
    commit.basis ?? '–',
    reviewText(commit) ?? '–',
    commit.key === undefined ? '–' : code(shortKey(commit.key)),
  ])
  const head = ['commit', 'verdict', 'subject', 'author, as claimed', 'signed by', 'basis', 'review', 'key']
  const found = commits.flatMap(({ findings }) => findings)
  const causes =
    found.length === 0
      ? undefined
      : fold(
          found.length === 1 ? '1 finding about commits' : `${found.length} findings about commits`,
          found.slice(0, SUBJECTS).map(findingItem),
          commits.some(({ verdict }) => verdict === 'rejected' || verdict === 'unknown'),
        )
  return [section('Commits', html`${dataTable('Commits, what is not in order first', head, rows)}${causes}`)]
}

function materialParts(receipt: Receipt): readonly Html[] {
  const { materials } = receipt
  if (materials === undefined) return []
  const rows = materialsInOrder(receipt).map(item => [
    item.name,
    badge(TONES[item.verdict], item.verdict),
    item.digest === '' ? '–' : code(item.digest),
    item.previous === undefined ? '–' : code(item.previous),
    proofText(item),
    item.places.join(', '),
  ])
  const closed = closedWords(materials.closed)
  const table =
    rows.length === 0
      ? html`<p>Nothing is taken in.</p>`
      : dataTable('What goes in', ['name', 'verdict', 'digest', 'before', 'proof', 'named at'], rows)
  const found = materials.items.flatMap(({ findings }) => findings).map(findingItem)
  return [
    section(
      'Base images and other materials',
      html`${table}${closed === undefined ? undefined : html`<p>${closed}</p>`}${found}`,
    ),
  ]
}

function againParts(receipt: Receipt): readonly Html[] {
  const [sentence, ...lines] = reproducibleLines(receipt)
  if (sentence === undefined) return []
  const list = lines.length === 0 ? undefined : html`<ul>${lines.map(line => html`<li>${line}</li>`)}</ul>`
  return [section('Built again and compared', html`<p>${sentence}</p>${list}`)]
}

function attestationParts({ attestations }: Receipt): readonly Html[] {
  if (attestations.length === 0) return []
  const rows = attestations.map(({ predicateType, subject, manifest, log, stored = [], notStored = [] }) => [
    predicateType,
    code(subject),
    manifest === undefined ? '–' : code(manifest),
    log === undefined ? '–' : html`${link(log.index, logAddress(log))} of ${log.url}`,
    [...stored, ...notStored.map(place => `not in ${place}`)].join(', ') || '–',
  ])
  const head = ['predicate', 'attached to', 'referrer', 'log entry', 'stored']
  return [section('Attestations', dataTable('What was signed', head, rows))]
}

function stageTable({ stages }: Receipt): Html {
  const rows = stages.map(({ name, state, mode, ms }) => [
    STAGE_WORDS[name],
    badge(TONES[state], stateWord(state)),
    mode ?? '–',
    wasTimed({ state, ms }) ? duration(ms) : '–',
  ])
  return dataTable('Stages of the run', ['stage', 'state', 'mode', 'time'], rows)
}
