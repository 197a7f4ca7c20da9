/**
 * Every key of the policy file, in one place: those that are judged, and those that a later version will judge.
 * A key in neither list is refused as unknown, one in `later` by name: a rule that is silently not judged would be worse
 * than no rule (12-policy § 2). `schemas/policy.json` is compared with this table by a test.
 */
export interface Keys {
  readonly judged: readonly string[]
  readonly later: readonly string[]
  /** Keys that somebody may well try and that no version will judge, each with the reason. */
  readonly never?: Readonly<Record<string, string>>
}

const FOR_COMMITS = 'signs commits and tags; an image or file is signed by github, sigstore or key'
const AT_RUN = 'speaks of where an image runs, and a base image is judged before it is built upon'
const FOR_IMAGES = 'signs images; a file is signed by openpgp, ssh, minisign, sigstore or github'
const FOR_COMMITS_ALONE = 'signs commits and tags; a file is signed by openpgp, ssh, minisign, sigstore or github'

export const KEYS = {
  policy: {
    judged: [
      'version',
      'principals',
      'roles',
      'snapshots',
      'platform-keys',
      'source',
      'policy-change',
      'exceptions',
      'source-workflows',
      'gate-refs',
      'revoked',
      'quarantined',
      'base-images',
      'materials',
      'material-keys',
      'deploy',
    ],
    later: [],
  },
  principal: { judged: ['github', 'emails', 'signers'], later: [] },
  account: { judged: ['login', 'id'], later: [] },
  /** Kinds of signers of a principal. */
  principalSigner: { judged: ['openpgp', 'ssh', 'ssh-ca', 'x509', 'sigstore'], later: ['github', 'key'] },
  openpgp: { judged: ['fingerprint', 'file', 'not-before', 'not-after'], later: [] },
  ssh: { judged: ['key', 'require', 'not-before', 'not-after'], later: [] },
  'ssh-ca': { judged: ['key', 'principals', 'max-validity'], later: [] },
  x509: { judged: ['san', 'roots'], later: [] },
  snapshot: { judged: ['file', 'role', 'warn-after-days'], later: [] },
  /** A key with which an own server signs; `openpgp` is the only kind. */
  platformKey: { judged: ['openpgp'], later: [] },
  platformOpenpgp: { judged: ['fingerprint', 'file'], later: [] },
  /** A rule has either `commits`, with what belongs to it, or `tag`. */
  sourceRule: { judged: ['refs', 'commits', 'platform', 'review', 'allow-other-commit', 'tag'], later: [] },
  commits: { judged: ['signers', 'min-rsa'], later: [] },
  platform: { judged: ['merge', 'squash', 'rebase', 'content'], later: [] },
  review: { judged: ['approvals', 'by', 'distinct-from', 'strength'], later: [] },
  tag: { judged: ['signers', 'on', 'min-rsa'], later: [] },
  policyChange: { judged: ['signers', 'approvals', 'workflows'], later: [] },
  workflowsChange: { judged: ['signers', 'approvals'], later: [] },
  exception: { judged: ['commit', 'until', 'reason', 'approved-by'], later: [] },
  revocation: {
    judged: ['fingerprint', 'serial', 'authority', 'identity', 'issuer', 'effective', 'mode'],
    later: [],
  },
  quarantined: { judged: ['digest', 'reason', 'since'], later: [] },
  deployRule: {
    judged: [
      'match',
      'deny',
      'trust',
      'build',
      'source',
      'deployer',
      'quarantine-by',
      'require',
      'admit',
      'allow-audit',
      'max-age',
      'max-age-at-run',
      'private',
    ],
    later: [],
  },
  trust: { judged: ['file'], later: [] },
  /** Kinds of signers of an image, beside `builders`. */
  build: {
    judged: ['github', 'sigstore', 'key', 'builders'],
    later: [],
    never: { ssh: FOR_COMMITS, openpgp: FOR_COMMITS, x509: FOR_COMMITS, 'ssh-ca': FOR_COMMITS },
  },
  sigstore: { judged: ['identity', 'issuer'], later: [] },
  identity: { judged: ['prefix'], later: [] },
  github: {
    judged: [
      'repository',
      'repository-id',
      'signer',
      'caller',
      'source-ref',
      'trigger',
      'runner',
      'environment',
      'issuer',
      'server',
    ],
    later: [],
  },
  /** `source` of a deploy rule. */
  deploySource: { judged: ['policy', 'anchor', 'digest', 'exceptions', 'signer'], later: [] },
  /** Kinds of signers of a source summary. */
  deploySourceSigner: { judged: ['github', 'sigstore', 'key'], later: [] },
  /** Kinds of signers of a deploy summary, with what it must say. */
  deployer: { judged: ['github', 'sigstore', 'key', 'environment', 'policy'], later: [] },
  /** Kinds of signers of quarantine records. */
  quarantineBy: { judged: ['github', 'sigstore', 'key'], later: [] },
  baseImageRule: {
    judged: [
      'match',
      'deny',
      'signers',
      'predicate',
      'trust',
      'max-age',
      'docker',
      'waybill',
      'digest-lock',
      'private',
    ],
    later: [],
  },
  /** Kinds of signers of a base image. */
  baseSigner: {
    judged: ['github', 'sigstore', 'key'],
    later: [],
    never: { ssh: FOR_COMMITS, openpgp: FOR_COMMITS, x509: FOR_COMMITS, 'ssh-ca': FOR_COMMITS },
  },
  /** The chain of a base image, in the words of a deploy rule. */
  waybillBase: {
    judged: ['build', 'source', 'quarantine-by', 'require', 'allow-audit', 'trust', 'max-age'],
    later: [],
    never: {
      builders: 'stands in build',
      admit: AT_RUN,
      'max-age-at-run': AT_RUN,
      deployer: 'speaks of deploying, and a base image is judged before it is built upon',
      private: 'stands beside waybill',
    },
  },
  materialRule: { judged: ['match', 'keys', 'deny', 'private'], later: [] },
  /** Kinds of keys and signers of materials, with the trust root of the latter. */
  materialKey: {
    judged: ['openpgp', 'ssh', 'minisign', 'sigstore', 'github', 'trust'],
    later: [],
    never: { key: FOR_IMAGES, x509: FOR_COMMITS_ALONE, 'ssh-ca': FOR_COMMITS_ALONE },
  },
  materialOpenpgp: { judged: ['fingerprint', 'file'], later: [] },
  materialSsh: { judged: ['key'], later: [] },
  materialMinisign: { judged: ['file'], later: [] },
} as const satisfies Record<string, Keys>

/** Keys of a snapshot file; those of a principal and its signers are in `KEYS`, except that an OpenPGP key stands inside. */
export const SNAPSHOT_KEYS = {
  file: { judged: ['schemaVersion', 'taken', 'source', 'principals'], later: [] },
  openpgp: { ...KEYS.openpgp, judged: KEYS.openpgp.judged.map(key => (key === 'file' ? 'armor' : key)) },
} as const satisfies Record<string, Keys>

/** Items of `require` and `admit`, in the order in which a chain is read. */
export const REQUIREMENTS = {
  judged: [
    'signature',
    'provenance',
    'source-signed',
    'source-accepted',
    'source-reviewed',
    'materials-verified',
    'materials-pinned',
    'closed-world',
    'sbom',
    'reproducible',
    'deploy-verified',
  ],
  later: [],
} as const satisfies Keys

export const TRUST_NAMES = { judged: ['public-good', 'github'], later: [] } as const satisfies Keys
