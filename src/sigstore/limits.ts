/** Bounds of this room, beside those of `core/limits.ts`: unit, reason, source. */
export const SIGSTORE_LIMITS = {
  /** Log entries of one bundle; signers write one or two, and each is verified. */
  logEntries: 8,
  /** Signed timestamps of one bundle. */
  timestamps: 8,
  /** Bytes of one certificate; Fulcio's are about 2 KB. */
  certificateBytes: 32 * 1024,
  /** Certificates of one chain; a leaf and its intermediates. */
  chainCertificates: 8,
  /** Bytes of an artefact that has to be in memory as a whole: Ed25519 signs no digest, it reads all of it twice. */
  wholeArtifactBytes: 64 * 1024 * 1024,
  /** Bytes of a simple signing payload, and of each annotation beside it; cosign's are under 1 KB and 20 KB. */
  legacyTextBytes: 256 * 1024,
  /** Bytes of one signed timestamp, with its certificates. */
  timestampBytes: 64 * 1024,
  /** Bytes of a trusted_root.json; the public one is about 10 KB. */
  trustRootBytes: 2 * 1024 * 1024,
  /** Bytes of a signing_config.json. */
  signingConfigBytes: 512 * 1024,
  /** Public keys one verification tries. */
  keys: 32,
  /** Milliseconds for the whole TUF exchange (root chain, timestamp, snapshot, targets, one file). */
  tufMs: 60_000,
  /** Milliseconds for one request of it, body included. */
  tufRequestMs: 15_000,
  /** Bytes of a TUF root; GitHub's and the public one are under 10 KB. The TUF client's own bound. */
  tufRootBytes: 512_000,
  /** A certificate with less time left than this is renewed before the next signature. 6-sign-and-publish § 1. */
  renewBeforeMs: 2 * 60_000,
  /** A Rekor v2 log answers only after the entry is in a published checkpoint. 6-sign-and-publish § 1: at least 20 s. */
  rekorV2RequestMs: 30_000,
  /** Milliseconds of retries at one log or authority while another one could take its place: two or three tries. */
  briefRetriesMs: 1_000,
  /** Bytes of a private key file; an RSA key of 8192 bits in PEM is about 6 KB. */
  signingKeyBytes: 64 * 1024,
  /** Bits of an RSA key that signs; larger ones take seconds a signature and gain nothing. */
  rsaBits: 8192,
  /** Bytes of memory scrypt may take (128 · N · r); cosign asks for 64 MiB. */
  scryptBytes: 512 * 1024 * 1024,
  /** Runs of scrypt over that memory (p); cosign asks for 1. */
  scryptRuns: 8,
} as const
