/**
 * Every key of the policy file, in one place: those that are judged, and those that a later version will judge.
 * A key in neither list is refused as unknown, one in `later` by name: a rule that is silently not judged would be worse
 * than no rule (12-policy § 2). `schemas/policy.json` is compared with this table by a test.
 */
export interface Keys {
  readonly judged: readonly string[]
  readonly later: readonly string[]
}

export const KEYS = {
  policy: {
    judged: [
      'version',
      'principals',
      'roles',
      'source',
      'policy-change',
      'exceptions',
      'gate-refs',
      'revoked',
      'deploy',
    ],
    later: ['snapshots', 'source-workflows', 'base-images', 'materials', 'material-keys', 'quarantined'],
  },
  principal: { judged: ['github', 'emails', 'signers'], later: [] },
  account: { judged: ['login', 'id'], later: [] },
  /** Kinds of signers of a principal. */
  principalSigner: { judged: ['openpgp', 'ssh'], later: ['sigstore', 'x509', 'ssh-ca', 'github', 'key'] },
  openpgp: { judged: ['fingerprint', 'file', 'not-after'], later: ['not-before'] },
  ssh: { judged: ['key', 'not-after'], later: ['not-before', 'require'] },
  sourceRule: { judged: ['refs', 'commits', 'allow-other-commit'], later: ['platform', 'review', 'tag'] },
  commits: { judged: ['signers', 'min-rsa'], later: [] },
  policyChange: { judged: ['signers', 'workflows'], later: ['approvals'] },
  workflowsChange: { judged: ['signers'], later: ['approvals'] },
  exception: { judged: ['commit', 'until', 'reason', 'approved-by'], later: [] },
  revocation: { judged: ['fingerprint', 'effective', 'mode'], later: [] },
  deployRule: {
    judged: ['match', 'deny', 'trust', 'build', 'require', 'allow-audit', 'max-age'],
    later: ['source', 'deployer', 'quarantine-by', 'admit', 'max-age-at-run', 'private'],
  },
  trust: { judged: ['file'], later: [] },
  /** Kinds of signers of an image, beside `builders`. */
  build: { judged: ['github', 'sigstore', 'key', 'builders'], later: ['ssh', 'openpgp', 'x509', 'ssh-ca'] },
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
} as const satisfies Record<string, Keys>

export const REQUIREMENTS = {
  judged: ['signature', 'provenance'],
  later: [
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
} as const satisfies Keys

export const TRUST_NAMES = { judged: ['public-good'], later: ['github'] } as const satisfies Keys
