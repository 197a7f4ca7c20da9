import { isAbsolute } from 'node:path'
import { fail } from '../core/error.ts'
import { LIMITS } from '../core/limits.ts'
import { isPrintable, printable } from '../core/text.ts'

/** A secret of `RUN --mount=type=secret`. Its value stands in the file alone: never in arguments, environment or provenance. */
export interface BuildSecret {
  readonly id: string
  /** Absolute path of a 0600 file of this run. */
  readonly file: string
}

/** Ids that a shell, a path and CSV leave alone; the names of environment variables are among them. */
export const SECRET_ID = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/
const SECRET_ID_REFUSED = /^GIT_AUTH_(TOKEN|HEADER)/i

/**
 * 13-adversary 17: a Dockerfile can mount any secret, and BuildKit fetches git sources with those of two names.
 * @throws `build/secret-id-refused` for these, `build/secret-malformed` for what is no id
 */
export function checkSecretId(id: string): void {
  if (SECRET_ID_REFUSED.test(id))
    throw fail('build/secret-id-refused', `The secret id ${printable(id, 160)} is not accepted`)
  if (!SECRET_ID.test(id))
    throw fail('build/secret-malformed', 'The id of a secret is not spelled as an id', {
      // Not shown: a line of a secret can stand where an id should.
      expected: 'letters, digits and _ . -, at most 128',
    })
}

/** @throws `build/secret-id-refused`, `build/secret-malformed` */
export function checkSecrets(secrets: readonly BuildSecret[]): void {
  for (const { id, file } of secrets) {
    checkSecretId(id)
    if (!isAbsolute(file) || !isPrintable(file))
      throw fail('build/secret-malformed', `The secret ${id} lies at no absolute path`, {
        expected: 'an absolute path',
      })
  }
  checkSecretIds(secrets.map(({ id }) => id))
}

/** One id names one secret, and there are not more than anybody needs. @throws `build/secret-malformed` */
export function checkSecretIds(ids: readonly string[]): void {
  const twice = ids.find((id, at) => ids.indexOf(id) !== at)
  if (twice !== undefined)
    throw fail('build/secret-malformed', `Two secrets have the id ${printable(twice, 160)}`, {
      expected: 'each id once, in secrets and secret-files together',
      found: twice,
    })
  if (ids.length > LIMITS.buildSecrets)
    throw fail('build/secret-malformed', 'There are too many secrets', {
      expected: `at most ${LIMITS.buildSecrets}`,
      found: String(ids.length),
    })
}

/** `--secret` of buildx is CSV: a path with a comma or a quote is one quoted field. */
export function buildxSecretFlags(secrets: readonly BuildSecret[] = []): readonly string[] {
  return secrets.map(({ id, file }) => `--secret=${['type=file', `id=${id}`, `src=${file}`].map(csvField).join(',')}`)
}

/**
 * `--secret` of buildah 1.28 is cut at every comma, and nothing can be quoted; without `type` it would take the value of a variable
 * that has the name of the id. Source: buildah 1.28 `pkg/parse` `Secrets`.
 * @throws `build/unsupported` for a path with a comma
 */
export function buildahSecretFlags(secrets: readonly BuildSecret[] = []): readonly string[] {
  return secrets.map(({ id, file }) => {
    if (file.includes(','))
      throw fail('build/unsupported', 'buildah reads no secret from a path with a comma', {
        expected: 'a folder for temporary files without a comma in its path',
        found: printable(file, 300),
        remedy: 'Use `builder: buildx`, or a runner whose temporary folder (RUNNER_TEMP) has no comma in its path.',
      })
    return `--secret=type=file,id=${id},src=${file}`
  })
}

/** One field of CSV as Go's reader takes it (RFC 4180 section 2). */
export function csvField(field: string): string {
  return /[",\r\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field
}
