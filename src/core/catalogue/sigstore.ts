import type { CatalogueEntry } from '../catalogue.ts'

export const SIGSTORE_ERRORS = {
  'sigstore/bundle-malformed': {
    kind: 'rejected',
    meaning:
      'A bundle is not strict JSON of the Sigstore bundle format: a duplicate or unknown field, bytes that are not canonical base64, not exactly one signature, or a part that its version requires is missing.',
    remedy: 'Have the bundle written again by the program that signed; do not repair it by hand.',
  },
  'sigstore/bundle-unsupported': {
    kind: 'unknown',
    meaning: 'A bundle is of a version or kind that this version does not read, so it was not checked.',
    remedy: 'Use a version of Waybill that reads it, or have a DSSE bundle of version 0.3 written.',
  },
  'sigstore/payload-type': {
    kind: 'rejected',
    meaning: 'The signed envelope does not say that its payload is an in-toto statement.',
    remedy: 'Attach an attestation (application/vnd.in-toto+json); other signed documents prove nothing here.',
  },
  'sigstore/signature-invalid': {
    kind: 'rejected',
    meaning: 'The signature does not belong to these bytes and this key: something was changed after signing.',
    remedy:
      'Fetch the bundle again from where it was published; if it stays invalid, treat the artifact as tampered with.',
  },
  'sigstore/key-unknown': {
    kind: 'rejected',
    meaning: 'The bundle was signed with a key, and none of the keys given verifies it.',
    remedy: 'Give the public key of the signer, or expect a certificate identity if it was signed keyless.',
  },
  'sigstore/certificate-malformed': {
    kind: 'rejected',
    meaning:
      'The signing certificate is not what a Sigstore certificate authority issues: not strict DER, not exactly one subject alternative name, no issuer, an unknown critical extension, or not a code-signing certificate.',
    remedy: 'Have the artifact signed again; a certificate like this can mean different things to different programs.',
  },
  'sigstore/certificate-untrusted': {
    kind: 'rejected',
    meaning: 'The signing certificate was not issued by a certificate authority of the trust root in use.',
    remedy: 'Check that the rule names the right trust root (trust: public-good, or the file of your own instance).',
  },
  'sigstore/certificate-expired': {
    kind: 'rejected',
    meaning: 'The signing certificate was not valid at a time that a trusted service gave for the signature.',
    remedy: 'Have the artifact signed again; a stolen key of an old certificate looks exactly like this.',
  },
  'sigstore/sct-missing': {
    kind: 'rejected',
    meaning:
      'The certificate carries no proof (SCT) that it stands in a certificate transparency log, so a secretly issued one would not be noticed.',
    remedy: 'Use a certificate authority with a certificate log, or a trust root whose rule does not ask for one.',
  },
  'sigstore/sct-invalid': {
    kind: 'rejected',
    meaning: 'A certificate transparency proof (SCT) does not verify with any certificate log of the trust root.',
    remedy: 'Refresh the trust root; if it stays, the certificate was not logged where it says.',
  },
  'sigstore/log-missing': {
    kind: 'rejected',
    meaning: 'The bundle has fewer transparency log entries than the rule asks for.',
    remedy: 'Have the artifact signed with a transparency log, or name the trust root it was signed for.',
  },
  'sigstore/log-unknown': {
    kind: 'rejected',
    meaning: 'The bundle has an entry of a transparency log that the trust root does not know.',
    remedy: 'Check that the rule names the right trust root, and refresh it.',
  },
  'sigstore/log-entry-invalid': {
    kind: 'rejected',
    meaning:
      'A transparency log entry does not verify, or it is about another payload, signature or key than the envelope in the bundle.',
    remedy: 'Fetch the bundle again from where it was published; if it stays, treat it as forged.',
  },
  'sigstore/timestamp-invalid': {
    kind: 'rejected',
    meaning: 'A signed timestamp does not verify with any timestamp authority of the trust root.',
    remedy: 'Check that the rule names the right trust root, and refresh it.',
  },
  'sigstore/time-missing': {
    kind: 'rejected',
    meaning:
      'No trusted service says when the signature was made, so it cannot be told whether the certificate was valid then.',
    remedy: 'Have the artifact signed with a timestamp authority or a transparency log that promises a time.',
  },
  'sigstore/trust-malformed': {
    kind: 'configuration',
    meaning: 'The file given as trust root is not a usable Sigstore trusted_root.json.',
    remedy: 'Write it again, for example with: cosign trusted-root create',
  },
  'sigstore/trust-unavailable': {
    kind: 'unknown',
    meaning:
      'The trust root of a Sigstore instance (the public one, GitHub’s, or a mirror) could not be fetched and verified through TUF, so nothing was checked against it. Metadata kept from an earlier run does not stand in: whoever blocks the network could keep a revoked service alive with it.',
    remedy: 'Run again; without network give --trusted-root FILE.',
  },
  'sigstore/signing-config-malformed': {
    kind: 'configuration',
    meaning: 'The file given as signing-config is not a usable Sigstore signing_config.v0.2.json.',
    remedy: 'Write it again, for example with: cosign signing-config create',
  },
  'sigstore/no-service': {
    kind: 'configuration',
    meaning:
      'The signing configuration names no service of a needed kind that is valid now and that Waybill can talk to.',
    remedy: 'Add a service whose validFor includes today, or check the clock of this machine.',
  },
  'sigstore/private-repository': {
    kind: 'configuration',
    meaning:
      'Signing would write names of a repository that is not public (repository, workflow, ref, commit) into public logs, which cannot be undone.',
    remedy: 'Choose one of: transparency-log: public | own | none',
  },
  'sigstore/identity-token-malformed': {
    kind: 'unknown',
    meaning: 'The identity token is not a token with a subject, so no certificate can be asked for.',
    remedy: 'Check the issuer; on GitHub add `permissions: { id-token: write }` to the job.',
  },
  'sigstore/certificate-unavailable': {
    kind: 'unknown',
    meaning: 'The certificate authority gave no certificate: no answer, or none in time.',
    remedy: 'Run again. If it stays, see the status page of the certificate authority.',
  },
  'sigstore/certificate-refused': {
    kind: 'unknown',
    meaning: 'The certificate authority refused the identity token or the request.',
    remedy: 'Check that the authority trusts the token’s issuer and that the token’s audience is `sigstore`.',
  },
  'sigstore/certificate-answer-malformed': {
    kind: 'unknown',
    meaning: 'The certificate authority answered, but not with a certificate for the key that was sent.',
    remedy: 'Check that the URL in signing-config is that of a Fulcio certificate authority.',
  },
  'sigstore/certificate-mismatch': {
    kind: 'rejected',
    meaning: 'The certificate says something else than the identity token it was issued for.',
    remedy: 'Do not publish what was signed; check the certificate authority and its issuer configuration.',
  },
  'sigstore/log-unavailable': {
    kind: 'unknown',
    meaning: 'The transparency log did not take the entry: no answer, none in time, or a refusal.',
    remedy: 'Run again. If it stays, see the status page of the log, or name another log in signing-config.',
  },
  'sigstore/log-answer-malformed': {
    kind: 'unknown',
    meaning: 'The transparency log answered, but not with an entry for the envelope that was sent.',
    remedy: 'Check that the URL in signing-config is that of a Rekor log of the version named there.',
  },
  'sigstore/timestamp-unavailable': {
    kind: 'unknown',
    meaning: 'The timestamp authority gave no timestamp: no answer, none in time, or a refusal.',
    remedy: 'Run again. If it stays, name another timestamp authority in signing-config.',
  },
  'sigstore/timestamp-answer-malformed': {
    kind: 'unknown',
    meaning: 'The timestamp authority answered, but not with a timestamp for the signature that was sent.',
    remedy: 'Check that the URL in signing-config is the full URL of an RFC 3161 timestamp authority.',
  },
  'sigstore/clock-skew': {
    kind: 'unknown',
    meaning:
      'The clock of this machine and that of a service differ so much that signatures would fall outside their certificate.',
    remedy: 'Set the clock of this machine (for example: sudo timedatectl set-ntp true), then run again.',
  },
  'sigstore/signing-key-unusable': {
    kind: 'configuration',
    meaning:
      'What was given as the private key to sign with is not one PEM block with a key that can be used here: PKCS#8 (also encrypted) or cosign’s encrypted key; ECDSA P-256 or P-384, Ed25519, RSA of 2048 bits or more.',
    remedy: 'Make one, for example with: cosign generate-key-pair, or openssl genpkey -algorithm ed25519 -out key.pem',
  },
  'sigstore/signing-key-locked': {
    kind: 'configuration',
    meaning: 'The private key to sign with is encrypted, and the password that was given (or none) does not open it.',
    remedy:
      'Put the password into an environment variable and name it: --key-password env:NAME (key-password: env:NAME).',
  },
  'sigstore/artifact-mismatch': {
    kind: 'rejected',
    meaning: 'A bundle signs a file, and the file at hand has another digest.',
    remedy:
      'Give the file that was signed and the bundle that was published with it; if these are they, the file was changed.',
  },
  'sigstore/artifact-ambiguous': {
    kind: 'rejected',
    meaning:
      'The signed file begins like the bytes under an attestation (DSSEv1) or under an SSH signature (SSHSIG), so the signature may have been made for something else and presented as that of a file.',
    remedy: 'Have an attestation about the file’s digest signed instead of the file’s own bytes.',
  },
  'sigstore/artifact-changed': {
    kind: 'unknown',
    meaning: 'A file was changed while it was read: what was checked is not what was hashed before.',
    remedy: 'Run again when nothing writes to the file.',
  },
  'sigstore/artifact-needed': {
    kind: 'unknown',
    meaning:
      'A signature over a file’s own bytes cannot be checked with what is at hand: of its kind of key the whole file is needed, in memory.',
    remedy: 'Give the file instead of its digest.',
  },
  'sigstore/legacy-malformed': {
    kind: 'rejected',
    meaning:
      'A signature stored as cosign up to version 2 does (.sig, .att) is not of that shape: its payload, its envelope or one of its annotations has another form.',
    remedy: 'Have the image signed again with a current cosign, or with Waybill.',
  },
  'sigstore/log-without-promise': {
    kind: 'configuration',
    meaning:
      'In a tag cosign up to version 2 accepts a signature only with the signed promise of a transparency log, which Rekor v1 gives and Rekor v2 does not. No such log is at hand, so such a signature would be accepted by nobody.',
    remedy:
      'Name a Rekor v1 log in the signing configuration (rekorTlogUrls with majorApiVersion 1), or leave out legacy-signatures: cosign 3 and later reads what is attached without it.',
  },
  'sigstore/service-not-trusted': {
    kind: 'unknown',
    meaning:
      'A certificate, log entry or timestamp that a service gave for a signature does not verify with the trust root in use, so nobody who verifies would accept the signature. Nothing of it was published.',
    remedy:
      'Check that trusted-root (--trusted-root) belongs to the services that signing-config names. If it does, that service is broken or not what it claims: name another in signing-config.',
  },
} as const satisfies Record<`sigstore/${string}`, CatalogueEntry>
