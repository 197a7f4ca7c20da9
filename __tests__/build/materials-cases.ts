// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of a Dockerfile are what is shown
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** A page that two tests write, each from what its own builder did: real BuildKit in the ring of the peers, real buildah end to end. */
const PAGE = join(import.meta.dirname, '..', '..', 'docs', 'materials-cases.md')
const COLUMNS = ['buildkit', 'buildah'] as const
type Column = (typeof COLUMNS)[number]

/** Everything of a build that can pull something in, and how it looks. */
export const PULL_KINDS = {
  FROM: '`FROM image:tag`',
  'FROM with arguments': '`ARG …`, `FROM $IMAGE`, `${X:-…}`, `${X#…}`',
  'FROM with tag and digest': '`FROM image:tag@sha256:…`',
  'FROM with a digest alone': '`FROM image@sha256:…`',
  'COPY --from': '`COPY --from=image`',
  'RUN --mount=from': '`RUN --mount=from=image`',
  '# syntax=': '`# syntax=image`',
  BUILDKIT_SYNTAX: 'build argument `BUILDKIT_SYNTAX`',
  'what a frontend is asked for': 'an image that another frontend pulls in',
  'ONBUILD in a base image': '`ONBUILD COPY --from=image` in a base image',
  'ADD of a URL': '`ADD https://…`',
  'ADD of a repository': '`ADD https://….git#ref`',
  'a submodule, declared as what it is': 'a submodule of such a repository',
  'a named context': 'a named context that is an image',
  'a transport of the machine': '`COPY --from=oci:/…`, `docker-archive:/…`',
} as const satisfies Readonly<Record<string, string>>

export type PullKind = keyof typeof PULL_KINDS

export function isPullKind(name: string): name is PullKind {
  return Object.hasOwn(PULL_KINDS, name)
}

type When = 'undeclared' | 'declared'

/** What one builder did, by kind. */
export class MaterialsCases {
  readonly #column: Column
  readonly #seen = new Map<string, string>()

  constructor(column: Column) {
    this.#column = column
  }

  /** @param code of the refusal, or `built`. */
  record(kind: string, when: When, code: string): void {
    if (isPullKind(kind)) this.#seen.set(`${kind} ${when}`, code)
  }

  /** @returns the page as it is, and as it should be: the other builder's columns stay. `UPDATE_GOLDEN=1` writes it. */
  compare(): { readonly page: string; readonly expected: string } {
    const before = readCells()
    const rows = Object.entries(PULL_KINDS).map(([kind, text]) => {
      const cells = COLUMNS.flatMap((column, at) =>
        column === this.#column
          ? [this.#cell(kind, 'undeclared'), this.#cell(kind, 'declared')]
          : (before.get(text)?.slice(at * 2, at * 2 + 2) ?? ['did not run', 'did not run']),
      )
      return `| ${text} | ${cells.join(' | ')} |`
    })
    const expected = `${HEAD}${rows.join('\n')}\n${FOOT}`
    if (process.env.UPDATE_GOLDEN === '1') writeFileSync(PAGE, expected)
    return { page: readPage(), expected }
  }

  #cell(kind: string, when: When): string {
    const code = this.#seen.get(`${kind} ${when}`)
    if (code === undefined) return 'did not run'
    return code === 'built' ? 'built' : `\`${code}\``
  }
}

function readPage(): string {
  try {
    return readFileSync(PAGE, 'utf8')
  } catch {
    return ''
  }
}

/** Cells of each row behind its first. */
function readCells(): ReadonlyMap<string, readonly string[]> {
  const rows = readPage()
    .split('\n')
    .filter(line => line.startsWith('| '))
    .map(line => line.slice(2, -2).split(' | '))
  return new Map(rows.map(([text = '', ...cells]) => [text, cells]))
}

const HEAD = `# What builders do with what was not declared

Written by \`__tests__/peers/materials-buildkit.test.ts\` and \`__tests__/e2e/buildah-materials.test.ts\` from what BuildKit and
buildah did with a Dockerfile of each kind; do not edit it by hand (\`UPDATE_GOLDEN=1\` writes it again). Once the thing was not
among what the build may take in, once it was. *built* means that the image came out, and that the builder named
nothing else as having gone in; a code is the refusal, before anything was pushed.

| what pulls something in | BuildKit: undeclared | BuildKit: declared | buildah: undeclared | buildah: declared |
|---|---|---|---|---|
`

const FOOT = `
BuildKit refuses by its own policy, so what no parser foresees is refused, too: the row of a frontend's own wishes is one of
those. Under buildah the parser decides, and what buildah would fetch by itself is refused even when it was declared: write it
as an item of the manifest with \`use: {path: …}\`, or use BuildKit.

What neither of them sees is said in the attestation: a cache mount that another build filled (\`cache: shared\`, unless the builder
is made for the run) and what RUN fetches (\`network: default\`, unless \`network: none\`). [Materials](materials.md) explains both.
`
