/** A room of `src/` and what a file in it may name. The table in docs/architecture.md is rendered from this list. */
export interface ImportRule {
  readonly room: string
  /** Rooms whose values it may import. */
  readonly mayImport: readonly string[]
  /** Rooms it may `import type` from, besides these. */
  readonly mayImportTypes: readonly string[]
  /** Packages of the registry it may import. */
  readonly packages: readonly string[]
  /** What it does, in the words of the newcomer's page. */
  readonly holds: string
}

/** Rooms in the order in which data moves; `core` and `io` carry the others. */
export const IMPORT_RULES: readonly ImportRule[] = [
  {
    room: 'core',
    mayImport: [],
    mayImportTypes: [],
    packages: [],
    holds: 'values, errors with remedies, limits; everyone stands on it, so it stands on nothing',
  },
  {
    room: 'io',
    mayImport: ['core'],
    mayImportTypes: [],
    packages: [],
    holds: 'the only home of files, network, child processes and the environment',
  },
  {
    room: 'statements',
    mayImport: ['core'],
    mayImportTypes: [],
    packages: [],
    holds: 'in-toto statements and SLSA provenance: built and parsed, pure',
  },
  {
    room: 'source',
    mayImport: ['core', 'io', 'sigstore/verify'],
    mayImportTypes: ['policy'],
    packages: ['asn1js', 'openpgp', 'pkijs'],
    holds: 'bytes of commits and tags, signatures, history, own merges and export: facts, no judging',
  },
  {
    room: 'policy',
    mayImport: ['core', 'statements'],
    mayImportTypes: [],
    packages: ['yaml'],
    holds: 'turns verified facts into verdicts; blind to network, files and clock',
  },
  {
    room: 'registry',
    mayImport: ['core', 'io'],
    mayImportTypes: ['policy'],
    packages: [],
    holds: 'references, manifests, credentials, referrers, uploads',
  },
  {
    room: 'materials',
    mayImport: ['core', 'io', 'registry', 'sigstore/verify'],
    mayImportTypes: ['policy', 'statements'],
    packages: ['yaml'],
    holds: 'base images and whatever else a build pulls in: parse, resolve, fetch, verify, lock',
  },
  {
    room: 'build',
    mayImport: ['core', 'io', 'registry', 'materials'],
    mayImportTypes: ['policy', 'statements'],
    packages: [],
    holds: 'drives the builder; digests out',
  },
  {
    room: 'reproducible',
    mayImport: ['core', 'io', 'registry', 'materials'],
    mayImportTypes: [],
    packages: [],
    holds: 'two builds of one commit side by side: manifests, configurations, layers, files',
  },
  {
    room: 'sigstore',
    mayImport: ['core', 'io', 'statements'],
    mayImportTypes: ['policy'],
    packages: [
      '@noble/ciphers',
      '@noble/curves',
      '@sigstore/bundle',
      '@sigstore/core',
      '@sigstore/protobuf-specs',
      '@sigstore/sign',
      '@sigstore/tuf',
      '@sigstore/verify',
    ],
    holds: 'bundles, trust roots, verification, signing; verifying never reaches signing',
  },
  {
    room: 'subjects',
    mayImport: ['core', 'io', 'registry', 'statements'],
    mayImportTypes: ['policy'],
    packages: ['yaml'],
    holds: 'what is to be judged: references, manifests, files',
  },
  {
    room: 'admission',
    mayImport: ['core', 'statements', 'policy'],
    mayImportTypes: [],
    packages: ['yaml'],
    holds: 'what a cluster has to enforce, and its spelling for each admission engine; pure',
  },
  {
    room: 'report',
    mayImport: ['core', 'statements', 'policy'],
    mayImportTypes: ['subjects', 'reproducible'],
    packages: [],
    holds: 'what people see: summary, terminal, result; pure strings',
  },
  {
    room: 'github',
    mayImport: ['core', 'io'],
    mayImportTypes: ['pipeline', 'policy', 'statements'],
    packages: ['@actions/artifact', '@actions/core', 'jose'],
    holds: 'runner files, event, identity token, the platform’s API; implements ports, is never called by a story',
  },
  {
    room: 'cluster',
    mayImport: ['core', 'io'],
    mayImportTypes: ['subjects'],
    packages: ['@kubernetes/client-node'],
    holds:
      'kubeconfig, login and the list of pods of a Kubernetes API server; implements a port, is never called by a story',
  },
  {
    room: 'pipeline',
    mayImport: [
      'core',
      'io',
      'statements',
      'source',
      'policy',
      'registry',
      'materials',
      'build',
      'reproducible',
      'sigstore',
      'subjects',
      'admission',
      'report',
    ],
    mayImportTypes: [],
    packages: [],
    holds: 'the stories, each a list of awaited steps, and the ports they need',
  },
  {
    room: 'entry',
    mayImport: [
      'core',
      'io',
      'statements',
      'source',
      'policy',
      'registry',
      'materials',
      'build',
      'sigstore',
      'subjects',
      'admission',
      'report',
      'github',
      'cluster',
      'pipeline',
    ],
    mayImportTypes: [],
    packages: [],
    holds: 'the doors: read inputs, wire ports, run one story, print; nobody imports it',
  },
]

/** The table of docs/architecture.md, one row a room. */
export function importTable(): string {
  const rows = IMPORT_RULES.map(({ room, holds, mayImport, mayImportTypes, packages }) => {
    const rooms = [...mayImport, ...mayImportTypes.map(other => `${other} (types)`)].join(', ') || 'nothing'
    return `| \`${room}\` | ${holds} | ${rooms} | ${packages.join(', ') || '–'} |`
  })
  return ['| room | what it holds | may import | packages |', '|---|---|---|---|', ...rows].join('\n')
}
