import { parseDigest } from '../../src/core/digest.ts'
import type { Receipt } from '../../src/report/receipt.ts'

export const digest = (digit: string) => parseDigest(`sha256:${digit.repeat(64)}`)
const IMAGE = `ghcr.io/acme/app@${digest('1')}`
const LOG = 'https://rekor.sigstore.dev'

/** A release: two commits judged, a two-platform image built, signed, published, read back and tagged. */
export const RELEASE: Receipt = {
  schemaVersion: 1,
  command: 'waybill attest',
  verdict: 'passed',
  subjects: [
    {
      name: 'a'.repeat(40),
      digest: 'a'.repeat(40),
      verdict: 'passed',
      basis: 'signed',
      findings: [],
      kind: 'openpgp',
      principal: 'alice',
      key: '3D5E07B2AAAABBBBCCCCDDDDEEEEFFFF00001111',
      title: 'Add the login page',
      author: 'Alice <alice@example.com>',
    },
    {
      name: 'b'.repeat(40),
      digest: 'b'.repeat(40),
      verdict: 'passed',
      basis: 'excepted',
      findings: [
        {
          code: 'source/unsigned',
          severity: 'note',
          subject: 'b'.repeat(40),
          message: 'The commit carries no signature; the policy excepts it',
          remedy: 'Sign it: git commit --amend --no-edit -S',
        },
      ],
      kind: 'none',
      title: 'Fix | the `build` @alice #7',
      author: 'bob',
    },
    { name: IMAGE, digest: digest('1'), verdict: 'passed', basis: 'signed', findings: [] },
  ],
  stages: [
    { name: 'preflight', state: 'passed', ms: 310 },
    { name: 'source', state: 'passed', mode: 'enforce', ms: 820 },
    { name: 'materials', state: 'not-asked', ms: 0 },
    { name: 'build', state: 'passed', ms: 65_400 },
    { name: 'digest', state: 'passed', ms: 95 },
    { name: 'sign', state: 'passed', ms: 1310 },
    { name: 'publish', state: 'passed', ms: 640 },
    { name: 'self-verify', state: 'passed', ms: 205 },
    { name: 'tags', state: 'passed', ms: 88 },
  ],
  attestations: [
    {
      predicateType: 'https://sigstore.dev/cosign/sign/v1',
      subject: digest('1'),
      manifest: digest('7'),
      bundle: 'waybill/app/signature.sigstore.json',
      log: { url: LOG, index: '123456' },
      stored: ['referrers ghcr.io/acme/app'],
    },
    {
      predicateType: 'https://slsa.dev/provenance/v1',
      subject: digest('1'),
      manifest: digest('8'),
      bundle: 'waybill/app/provenance.sigstore.json',
      log: { url: LOG, index: '123457' },
      stored: ['referrers ghcr.io/acme/app'],
    },
  ],
  image: {
    repository: 'ghcr.io/acme/app',
    digest: digest('1'),
    mediaType: 'application/vnd.oci.image.index.v1+json',
    platforms: [
      { platform: 'linux/amd64', digest: digest('2'), size: 31_000_000, previousSize: 29_800_000 },
      { platform: 'linux/arm64', digest: digest('3'), size: 29_512_345, previousSize: 29_512_345 },
    ],
    tags: ['v1.2.3', 'latest'],
    builder: 'buildx',
    pushed: true,
  },
  policy: {
    uri: 'git+https://github.com/acme/app#.github/waybill.yml',
    ref: 'refs/heads/main',
    digest: digest('9'),
    anchor: 'c'.repeat(40),
  },
  source: { repository: 'https://github.com/acme/app', ref: 'refs/heads/main', commit: 'a'.repeat(40) },
  identity: {
    san: 'https://github.com/acme/app/.github/workflows/release.yml@refs/heads/main',
    issuer: 'https://token.actions.githubusercontent.com',
  },
  since: {
    state: 'found',
    image: digest('6'),
    commit: 'b'.repeat(40),
    signedAt: '2026-05-01T09:00:00.000Z',
    commits: 1,
    materials: 2,
  },
  notChecked: ['Who reviewed the commits: no rule of the policy asks for it', 'Base images: no rule asks for it'],
  notices: [],
  requests: { source: 2, publish: 12, 'self-verify': 6 },
}

/** The same run without a policy: nothing was judged, and a policy is offered. */
export const WITHOUT_POLICY: Receipt = {
  ...without(RELEASE, 'policy'),
  subjects: RELEASE.subjects.map(subject => ({ ...without(subject, 'basis'), verdict: 'not-asked' as const })),
  stages: RELEASE.stages.map(stage =>
    stage.name === 'source' ? { name: 'source', state: 'not-asked', ms: 640 } : stage,
  ),
  notices: ['No policy: nothing was judged'],
  suggestedPolicy: 'version: 1\nprincipals:\n  alice:\n    emails: [alice@example.com]\n',
}

/** A push with an unsigned commit under enforce: no build. */
/** A pull request that would loosen the rules, and passes by those that hold. */
export const LOOSENING: Receipt = {
  ...RELEASE,
  ruleChanges: [
    {
      commit: 'a'.repeat(40),
      accepted: false,
      proposed: true,
      kind: 'policy',
      paths: ['.github/waybill.yml'],
      lines: [
        { how: 'added', what: 'principal', text: 'mallory', loosens: false },
        { how: 'added', what: 'role', text: '@maintainers: alice, mallory', loosens: true },
      ],
    },
  ],
}

export const REJECTED: Receipt = {
  ...without(RELEASE, 'image', 'identity'),
  verdict: 'rejected',
  subjects: [
    {
      name: 'd'.repeat(40),
      digest: 'd'.repeat(40),
      verdict: 'rejected',
      findings: [
        {
          code: 'source/unsigned',
          severity: 'reject',
          subject: 'd'.repeat(40),
          message: 'Commit ddddddd "Fix login" carries no signature',
          expected: 'a signature by one of @developers',
          found: 'none',
          remedy: 'Sign it: git commit --amend --no-edit -S',
        },
      ],
      kind: 'none',
      title: 'Fix login',
      author: 'carol',
    },
  ],
  stages: RELEASE.stages.map(({ name, ms }) =>
    name === 'preflight'
      ? { name, state: 'passed', ms }
      : name === 'source'
        ? { name, state: 'rejected', mode: 'enforce', ms }
        : { name, state: 'not-reached', ms: 0 },
  ),
  attestations: [],
  requests: {},
  error: {
    code: 'source/unsigned',
    message: '1 commit of 1 is not accepted',
    expected: 'a signature by one of @developers',
    found: 'none',
    remedy: 'Sign it: git commit --amend --no-edit -S',
  },
}

/** The gate could not reach the registry. */
export const UNKNOWN: Receipt = {
  schemaVersion: 1,
  command: 'waybill verify image',
  verdict: 'unknown',
  subjects: [],
  stages: [{ name: 'resolve', state: 'unknown', ms: 30_000 }],
  attestations: [],
  notChecked: ['ghcr.io/acme/app:v1: the registry did not answer'],
  notices: [],
  error: {
    code: 'core/unreachable',
    message: 'No usable answer from https://ghcr.io/v2/',
    found: 'no answer in time',
    remedy: 'Run again. If it stays, check the host, the proxy variables and the service’s status page.',
  },
}

/** A fork's pull request: built, not pushed, not signed. */
export const DRAFT: Receipt = {
  ...without(RELEASE, 'identity'),
  image: {
    repository: 'ghcr.io/acme/app',
    digest: digest('1'),
    mediaType: 'application/vnd.oci.image.index.v1+json',
    platforms: [],
    tags: [],
    builder: 'buildx',
    pushed: false,
  },
  attestations: [],
  notices: ['Unsigned draft: a pull request from a fork has no token, so nothing was pushed or signed'],
}

/** Everything a pull request author may choose, chosen badly, with what it tries. */
export const ESCAPES: readonly { readonly text: string; readonly tries: string }[] = [
  {
    text: 'x | @alice #1 <img src=x onerror=alert(1)>',
    tries: 'leave the cell, mention somebody, link an issue, bring HTML',
  },
  { text: 'x \\| @alice', tries: 'end the cell in spite of an escaped pipe' },
  { text: '`` ` ``` |', tries: 'end a code span, open a block' },
  { text: '`', tries: 'end a code span' },
  { text: ' ` ', tries: 'end a code span that is padded' },
  { text: '\\', tries: 'escape the end of a span' },
  { text: '[click](javascript:alert(1)) ![](https://evil.example/x.png)', tries: 'bring a link and a picture' },
  { text: 'www.evil.example https://evil.example GH-1 :tada:', tries: 'become links and an emoji by themselves' },
  { text: 'a\nb\r\n## ✅ Passed', tries: 'write a verdict of its own on a new line' },
  {
    text: '\u202egnp.exe \u200b \u001b[2J \u0007',
    tries: 'show another order of characters, hide some, command a terminal',
  },
  { text: 'Fix\u200b\u2060login\u00ad\ufeff', tries: 'look like another text: characters without width' },
  { text: '</details><!-- -->', tries: 'end a folded list, hide what follows' },
  {
    text: '</summary></details><h1>✅ Passed</h1><details open>',
    tries: 'end a folded list and write a verdict of its own',
  },
  { text: '---', tries: 'draw a line, make a heading of what stands above' },
  { text: '1. x', tries: 'begin a list' },
  { text: '$(touch pwned) `touch pwned` "; \'', tries: 'run a command where it is pasted' },
  { text: 'ghcr.io/acme/app`; touch pwned; `', tries: 'be an image name that ends a span and runs a command' },
  { text: '$x^2$', tries: 'become a formula' },
  { text: '~~~~\n```\nsh', tries: 'end a block, open another' },
  { text: '%%{init: {}}%%\nclick s "javascript:alert(1)"', tries: 'speak to the graph' },
  { text: '::error::x', tries: 'command the runner' },
  { text: `${'`'.repeat(300)} x`, tries: 'end a block that has fewer backticks' },
  { text: '\ud800', tries: 'be no text at all: half a character' },
]

export const HOSTILE_TEXTS: readonly string[] = ESCAPES.map(({ text }) => text)

/** The release with one hostile text in every field that comes from outside. */
export function hostile(text: string): Receipt {
  const finding = {
    code: 'source/unsigned',
    severity: 'reject',
    subject: text,
    message: text,
    expected: text,
    found: text,
    remedy: text,
  } as const
  const link = {
    link: 'provenance',
    state: 'rejected',
    digest: text,
    by: text,
    signedAt: text,
    log: { url: text, index: text },
    below: [],
  } as const
  const change = {
    kind: 'policy',
    paths: [text],
    lines: [{ how: 'added', what: 'role', text, loosens: true }],
  } as const
  const material = { name: text, kind: 'url', places: [text, `${text}:3`], digest: text, previous: `${text}1` } as const
  return {
    ...RELEASE,
    command: text,
    verdict: 'rejected',
    subjects: [
      {
        name: text,
        digest: text,
        verdict: 'rejected',
        findings: [finding],
        kind: 'ssh',
        principal: text,
        key: text,
        title: text,
        author: text,
        derivedFrom: { pull: 1, head: text, commits: [text] },
        review: { enough: true, label: 'platform-recorded', by: [text], pull: 1, statements: [] },
      },
      { name: text, digest: text, verdict: 'rejected', findings: [finding], kind: 'ssh', author: text, ref: text },
      {
        name: text,
        digest: text,
        verdict: 'unknown',
        by: text,
        identity: { san: text, issuer: text, repository: text },
        findings: [{ ...finding, subject: `of ${text}` }],
        links: [{ ...link, below: [{ ...link, by: `${text} too` }] }],
        places: [{ file: text, document: 2, path: text, line: 3 }],
        quarantine: { state: 'quarantined', from: 'run', moved: text },
      },
      { name: `other ${text}`, digest: '', verdict: 'rejected', findings: [finding] },
    ],
    attestations: [
      {
        predicateType: text,
        subject: digest('1'),
        manifest: digest('7'),
        bundle: text,
        log: { url: text, index: text },
        stored: [text],
      },
    ],
    sinks: [
      { name: 'registry', place: text, state: 'passed' },
      {
        name: 'github-attestations',
        place: text,
        state: 'failed',
        error: { code: 'github/attestation-refused', message: text, remedy: text },
      },
    ],
    image: {
      repository: text,
      digest: digest('1'),
      mediaType: text,
      platforms: [{ platform: text, digest: digest('2'), size: 1 }],
      tags: [text],
      builder: text,
      pushed: true,
    },
    materials: {
      items: [
        { ...material, verdict: 'rejected', proof: 'none', findings: [{ ...finding, message: `material ${text}` }] },
        { ...material, verdict: 'passed', proof: 'declared', by: text, hosts: [text], findings: [] },
      ],
      manifest: { path: text, digest: digest('8') },
      resolved: { path: text, digest: digest('9') },
    },
    policy: { uri: text, ref: text, anchor: text },
    source: { repository: text, ref: text, commit: text, levels: ['ORG_SOURCE_COMMITS_SIGNED', text] },
    ruleChanges: [
      { ...change, commit: text, title: text, by: text, accepted: false },
      { ...change, commit: text, accepted: false, proposed: true },
      // Told as an earlier one: no commit of the run has this id.
      { ...change, commit: `${text}0`, title: text, by: text, accepted: true },
    ],
    since: { state: 'found', image: digest('6'), commit: text, signedAt: text, materials: 1 },
    identity: { san: text, issuer: text },
    pinned: [text],
    run: text,
    evidence: { folder: text, digest: digest('f') },
    notChecked: [text],
    notices: [text],
    suggestedPolicy: text,
    error: { code: 'core/internal', message: text, expected: text, found: text, remedy: text },
  }
}

export function without<T extends object, K extends keyof T>(object: T, ...keys: readonly K[]): Omit<T, K> {
  const copy = { ...object }
  for (const key of keys) delete copy[key]
  return copy
}
