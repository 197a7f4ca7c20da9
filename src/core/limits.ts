const KIB = 1024
const MIB = 1024 * KIB

/** Every bound in one place: unit, reason, source. Foreign input above a bound is refused, never cut silently. */
export const LIMITS = {
  /** Nesting of any JSON document. 13-adversary 43. */
  jsonDepth: 64,
  /** Bytes of one commit or tag object. git's own largest sane messages are far below; a signature is under 20 KiB. */
  commitBytes: 1 * MIB,
  /** Tags named by one merge; git writes at most one for each merged parent, and the largest known merge has 66. */
  mergetags: 256,
  /** Bytes of one CMS signature. gitsign's, with certificate and log entry, are under 4 KiB. */
  cmsBytes: 128 * KIB,
  /** Certificates in one CMS signature: a chain has three or four. 13-adversary 43. */
  cmsCertificates: 20,
  /** Nesting and number of ASN.1 values. Real signatures nest 12 deep and have under 300. 13-adversary 43. */
  asn1Depth: 32,
  asn1Nodes: 5_000,
  /** Bytes of one tree object. 50,000 entries are about 2 MB. */
  treeBytes: 16 * MIB,
  /** Bytes of the policy file and of each file it names. */
  policyFileBytes: 1 * MIB,
  /** Names in one SSH certificate. OpenSSH's own bound (SSHKEY_CERT_MAX_PRINCIPALS). */
  sshCertificateNames: 256,
  /** Bytes that gpg or ssh-keygen may print about one signature; both print under 2 KiB. */
  nativeOutputBytes: 64 * KIB,
  /** Milliseconds one of them may take; both take some. */
  nativeCheckMs: 60_000,
  /** Files under `.github` that count as law. */
  lawFiles: 2_000,
  /** YAML aliases a policy may resolve: enough for tidy files, too few for an alias bomb. */
  yamlAliases: 100,
  /** Bytes of one review statement. 13-adversary 11. */
  reviewBytes: 64 * KIB,
  /** Review statements a repository may have: ten reviewers of a thousand heads. */
  reviewRefs: 10_000,
  /** Milliseconds for the whole source stage. 13-adversary 13. */
  sourceStageMs: 10 * 60_000,
  /** Bytes on disk of one run's private repositories. 13-adversary 13; a runner of GitHub has 14 GB. */
  sourceDiskBytes: 4 * 1024 * MIB,
  /** Commits of one pull request behind a squash or rebase. GitHub lists at most 250 by its API; git knows all. */
  proposalCommits: 1_000,
  /** Pull requests looked at for one commit. */
  proposalsPerCommit: 4,
  /** Best common ancestors of one merge. More than two are criss-cross merges of criss-cross merges. */
  mergeBases: 16,
  /** Bytes of one manifest or index. OCI distribution v1.1.1 asks clients to handle at least 4 MB. */
  manifestBytes: 4 * MIB,
  /** Bytes of one bundle. 6-sign-and-publish § 2. */
  bundleBytes: 10 * MIB,
  /** Subjects of one statement: an index, its platforms and their names in several registries stay far below. */
  statementSubjects: 2_000,
  /** Bytes of a predicate that is signed as given; in base64 it must fit into a bundle. */
  predicateBytes: 5 * MIB,
  /** Files attested by one run. */
  attestedFiles: 1_000,
  /** Claims in one SCAI statement: 500 references of a Dockerfile, each of a few kinds. 13-adversary 43. */
  scaiAttributes: 4_000,
  /** Statements that one deploy summary rests on, those of each platform among them. */
  deployInputs: 1_000,
  /** Images of one document about what runs, and what may be listed of each; a large namespace has some hundred images. */
  deploymentImages: 2_000,
  deploymentItems: 5_000,
  /** Characters of one text in it: a command that verifies an image has a few hundred. */
  deploymentText: 4_096,
  /** Commits listed in a source statement; of more, the first and last tenth of it. 3-source § 8. */
  listedCommits: 1_000,
  /** Entries read of one list of referrers. 6-sign-and-publish § 2. */
  referrers: 1_000,
  /** Bytes of bundles fetched for one subject, smallest first. 13-adversary 43. */
  subjectBundleBytes: 64 * MIB,
  /** Bundles examined for one subject. 13-adversary 43. */
  subjectBundles: 200,
  /** Layers read of one tag of cosign ≤ 2, which holds one for each signature. As many as bundles. 13-adversary 43. */
  legacyLayers: 200,
  /** Blobs of an image layout that are looked through for manifests which its index does not name. A large image has 200. */
  layoutBlobs: 5_000,
  /** Bytes of such a manifest; one that attaches something has under 2 KiB. */
  looseManifestBytes: 64 * KIB,
  /** Bytes at which a fallback index is too large to append to. 13-adversary 26. */
  fallbackIndexBytes: 3 * MIB,
  /** Bytes of an answer of a service (token, log, certificate, timestamp). */
  serviceAnswerBytes: 1 * MIB,
  /** Bytes of one file of certificate authorities, and how many it may hold. All public ones together: 150, 250 KiB. */
  authorityBytes: 1 * MIB,
  authorities: 500,
  /** Bytes of response headers. Google Artifact Registry sends tokens in headers. 6-sign-and-publish § 3. */
  headerBytes: 32 * KIB,
  /** Milliseconds one request may take without streaming a body. */
  requestMs: 30_000,
  /** Milliseconds spent on retries of one request altogether. */
  retryBudgetMs: 60_000,
  /** Milliseconds one registry is waited for in a run, over all requests: a rate limit of a minute may come a few times. */
  registryWaitMs: 5 * 60_000,
  /** Bytes of one piece of a large upload: what is sent again at most. In small ones a registry that copies is half as fast. */
  uploadChunkBytes: 512 * MIB,
  /** Redirects followed for one request. */
  redirects: 5,
  /** Bytes kept of a child process' output (what is streamed to the log is not bounded). */
  processOutputBytes: 64 * MIB,
  /** Bytes of the event payload file. GitHub caps it at 25 MB. */
  eventBytes: 30 * MIB,
  /** Bytes of one job summary; GitHub allows 1 MiB a step. 8-report § 1. */
  summaryBytes: 900 * KIB,
  /** Milliseconds of clock difference to a service that is reported as skew. */
  clockSkewMs: 5 * 60_000,
  /** Bytes of one answer of the platform's API. Ten pull requests with a hundred commits and reviews each are under 1 MB. */
  githubAnswerBytes: 8 * MIB,
  /** Pages of a hundred read of one list of the platform's API; what is longer is incomplete. */
  githubPages: 20,
  /** Milliseconds one question to it may wait. Its secondary limits ask for a minute. 13-adversary 13. */
  githubWaitMs: 3 * 60_000,
  /** Bytes of one file or program output that signers are imported from. A keyring of a thousand people is under 10 MB. */
  importBytes: 16 * MIB,
  /** Milliseconds one run of the gate may take. 13-adversary 43. */
  gateMs: 10 * 60_000,
  /** Milliseconds that the end of a run waits for what is only for people to compare: a registry that hangs must not hold a verdict back. */
  compareMs: 5_000,
  /** Bytes of bundles that one run of the gate reads: sixteen subjects at their own bound. 13-adversary 43. */
  gateBytes: 1024 * MIB,
  /** Subjects of one run of the gate. The largest clusters name a few thousand images. 13-adversary 43. */
  gateSubjects: 10_000,
  /** One folder of kept evidence: subjects (a large cluster has some thousand images), files, bytes of its manifest and of all. */
  keptSubjects: 10_000,
  keptFiles: 50_000,
  keptManifestBytes: 32 * MIB,
  keptBytes: 4 * 1024 * MIB,
  /** Bytes of one Dockerfile. The largest of public repositories are under 100 KiB. 13-adversary 43. */
  dockerfileBytes: 1 * MIB,
  /** Instructions and stages of one, and things it may name to be fetched. 13-adversary 43. */
  dockerfileInstructions: 20_000,
  dockerfileStages: 1_000,
  dockerfileReferences: 500,
  /** Bytes of the materials manifest: as the policy. 4-materials § 5. */
  materialsFileBytes: 1 * MIB,
  /** Items of it. 13-adversary 43: as many as references of a Dockerfile. */
  materials: 500,
  /** Paths of a build's context that are looked through for lock files. Linux has 90,000 files. */
  contextPaths: 200_000,
  /** Bytes of one material. A layer of 10 GB is the most that registries take. */
  materialBytes: 10 * 1024 * MIB,
  /** Bytes of a detached signature or a key beside it; minisign's have under 400, OpenPGP's under 4 KiB. */
  detachedBytes: 64 * KIB,
  /** Bytes and lines of a checksum file. */
  checksumsBytes: 4 * MIB,
  checksumsLines: 50_000,
  /** Materials fetched at the same time: more would share the same line. */
  materialsParallel: 4,
  /** Bytes of all materials of one run; a runner of GitHub has 14 GB of disk left. 13-adversary 43. */
  materialsBytes: 12 * 1024 * MIB,
  /** Milliseconds for fetching all of them. 13-adversary 43. */
  materialsMs: 30 * 60_000,
  /** Fewer bytes than these in this many milliseconds: nobody is really sending. As git's low-speed limits. */
  materialSlowMs: 60_000,
  materialSlowBytes: 60 * 1000,
  /** Times one address is asked for the rest of a file that broke off. */
  materialAttempts: 3,
  /** Milliseconds before each of these but the first. */
  materialPauseMs: 1_000,
  /** Entries of one archive that is unpacked. Linux has 90,000 files. */
  archiveEntries: 200_000,
  /** Bytes that come out of one archive, and how many times as many as went in: deflate can say at most 1,032 in one byte. */
  archiveBytes: 10 * 1024 * MIB,
  archiveRatio: 200,
  /** Bytes below which the ratio says nothing: a megabyte of zeros is no bomb. */
  archiveSmallBytes: 64 * MIB,
  /** Bytes of a link's target in an archive: PATH_MAX of Linux. */
  archiveTargetBytes: 4_096,
  /** Folders inside one another in an archive, and bytes of one path in it. PATH_MAX of Linux is 4,096. */
  archiveDepth: 64,
  archivePathBytes: 1_024,
  /** Bytes of one extended header of a tar. Names and times take under 1 KiB. */
  archiveHeaderBytes: 64 * KIB,
  /** Bytes of manifests, configs and attestations of all base images together: 500 references of a few platforms. 13-adversary 43. */
  baseImageBytes: 256 * MIB,
  /** Milliseconds that the build which must be refused may take: a builder in a cluster may have to start for it. */
  canaryMs: 5 * 60_000,
  /** Things that a builder says went in, over all platforms: ten times what a Dockerfile may name. */
  observedMaterials: 5_000,
  /** Bytes of the builder's provenance of one platform, build steps included. BuildKit's own messages end at 16 MiB. */
  builderProvenanceBytes: 16 * MIB,
  /** Characters of one comment on a pull request; GitHub takes 65,536. 8-report § 2. */
  commentCharacters: 60_000,
  /** Times one comment is written again because another run wrote it at the same time. */
  commentRounds: 5,
  /** What is read of the archive of a fork's run: bytes packed, entries, bytes of the result. 13-adversary 36, 43. */
  forkArchiveBytes: 32 * MIB,
  forkArchiveEntries: 1_000,
  forkResultBytes: 4 * MIB,
  /** Milliseconds for one exchange with the runner's artifact service. Its client waits 30 s for a service that answers 5xx. */
  artifactMs: 120_000,
  /** Bytes of the archive with the state of an earlier attempt: as much as the bundles in it may have. */
  stateArchiveBytes: 64 * MIB,
  /** Files in one artifact: a thousand attested files, each with its bundle, and the run's own. */
  artifactFiles: 2_000,
  /** A served document: bytes, milliseconds for all of it, and images that are asked for because it names them. 13-adversary 32. */
  servedDocumentBytes: 1 * MIB,
  servedDocumentMs: 10_000,
  servedReferences: 100,
  /** Milliseconds that one is believed after it was issued, and that the other clock may be ahead. 13-adversary 32. */
  servedAgeMs: 5 * 60_000,
  servedSkewMs: 30_000,
  /** Milliseconds one is given out before it is made anew, and that a failure is: so often requests can make the cluster be read. */
  serveKeptMs: 60_000,
  serveFailedMs: 10_000,
  /** Open connections, and requests a second over all and of one address: health checks and a few people. */
  serveConnections: 200,
  serveRequests: 100,
  serveRequestsOfOne: 20,
  /** Bytes of a request's headers, milliseconds for them, and that requests under way have left when it stops. */
  serveHeaderBytes: 8 * KIB,
  serveHeaderMs: 5_000,
  serveStopMs: 10_000,
  /** Names that one process answers for. */
  serveAudiences: 10,
  /** Bytes of one kubeconfig; those of people with a hundred clusters are under 500 KiB. */
  kubeconfigBytes: 2 * MIB,
  /** Milliseconds a credential plugin may take, and bytes it may print: a token and a certificate have under 20 KiB. */
  pluginMs: 60_000,
  pluginBytes: 1 * MIB,
  /** Bytes of one page of 500 pods, and of a whole list. A pod with all its annotations has 10 to 30 KiB. 13-adversary 43. */
  clusterPageBytes: 128 * MIB,
  clusterBytes: 2048 * MIB,
  /** Pods of one list: as many as Kubernetes supports in one cluster. */
  clusterPods: 150_000,
  /** Places of containers that are kept: five for each of 50,000 pods. */
  clusterPlaces: 250_000,
  /** Milliseconds for reading a list, begun again or not. 13-adversary 43. */
  clusterMs: 5 * 60_000,
  /** Bytes of one unpacked layer that two builds are compared in: read as a stream, so it bounds time, not memory. 13-adversary 43. */
  comparedLayerBytes: 64 * 1024 * MIB,
  /** Bytes of what stands in front of one file of a layer: its long name and extended attributes, which Linux bounds at 64 KiB each. */
  comparedHeaderBytes: 1 * MIB,
  /** Differing files shown of one layer, and differing layers that are looked into; the first of them are what somebody mends. */
  comparedFiles: 10,
  comparedLayers: 3,
  /** Names kept to tell a missing file from one elsewhere. The largest public layers have some 200,000 files. */
  comparedPaths: 1_000_000,
  /** Milliseconds that the command of `builder: command` may take. A job of a hosted runner ends after six hours. */
  commandMs: 3 * 60 * 60_000,
  /** Bytes and lines of the file in which it names its image: an index of ten platforms has 11 lines of under 400 bytes. */
  imageRefsBytes: 64 * KIB,
  imageRefs: 100,
  /** Bytes of a bake file, and of what its evaluation prints. The largest that is known has 40 KiB. */
  bakeBytes: 1 * MIB,
  /** Secrets, and ssh agents, of one build. The largest builds seen in public have under ten. */
  buildSecrets: 100,
  /** Bytes of one secret: BuildKit takes no more. Source: BuildKit 0.26.3 `session/secrets` `MaxSecretSize`. */
  buildSecretBytes: 500 * KIB,
  /** Entries of `cache-from`, and of `cache-to`. */
  cacheEntries: 50,
  /** Inputs of `workflow_dispatch`, characters of a name and of a value: GitHub allows 25, and 65,535 characters for them all. */
  dispatchInputs: 100,
  dispatchNameCharacters: 255,
  dispatchValueCharacters: 4_096,
  /** Bytes of `.gitmodules`: a submodule takes 100, so this is more than a tree may have. */
  gitmodulesBytes: 64 * KIB,
  /** Submodules of one repository, and how deep they may lie in one another. Large firmware trees have 60, three deep. */
  submodules: 200,
  submoduleDepth: 5,
  /** Entries of one tree: it unfolds without end where trees name each other. Linux has 90,000. */
  exportedFiles: 1_000_000,
  /** Bytes of one object of Git LFS; GitHub takes at most 5 GB. */
  lfsObjectBytes: 10 * 1024 * MIB,
  /** Objects asked for at once, and fetched at the same time. git-lfs itself asks for a hundred, and fetches eight. */
  lfsBatch: 100,
  lfsParallel: 8,
  /** Milliseconds in which questions for objects are gathered into one. */
  lfsGatherMs: 20,
  /** Header fields that an answer may ask for with an object's address, and characters of one; storage tokens have 2,000. */
  lfsHeaders: 20,
  lfsHeaderCharacters: 8_192,
  /** Objects that a statement and a receipt list one by one; of more only their sum. */
  lfsListed: 100,
  /**
   * Characters of the plan and of one part. They travel as outputs of jobs, of which GitHub allows 1 MiB for each job, and reach a
   * step as one variable, of which Linux takes 128 KiB (execve(2), MAX_ARG_STRLEN). 13-adversary 43.
   */
  buildPlanBytes: 120 * KIB,
} as const
