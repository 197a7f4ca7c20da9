import type { Receipt } from '../../src/report/receipt.ts'
import type { Matrix } from './matrix.ts'
import type { KeyFiles } from './signing.ts'
import { expectedOf, type World, waybill } from './world.ts'

/**
 * Runs one command under the stack's trust root and records its exit code.
 * @returns the exit code and the codes of what was found, each once, in the order of the result.
 */
export async function judgedBy(
  world: World,
  matrix: Matrix,
  row: string,
  words: readonly string[],
  root: string = world.stack.trustedRootFile,
): Promise<string> {
  const { code, stdout, log } = await waybill(world, [...words, '--json', '--trusted-root', root])
  matrix.record(row, { waybill: code })
  if (!stdout.startsWith('{')) return `${code} ${log}`
  const { subjects, error } = JSON.parse(stdout) as Receipt
  const found: string[] = subjects.flatMap(({ findings }) => findings.map(finding => finding.code))
  return [code, ...new Set(found), ...(error === undefined || found.includes(error.code) ? [] : [error.code])].join(' ')
}

/** Flags that name who must have signed. */
export function identityFlags(world: World, over: { identity?: string; issuer?: string } = {}): readonly string[] {
  const { identity, issuer } = { ...expectedOf(world), ...over }
  return ['--certificate-identity', identity, '--certificate-oidc-issuer', issuer]
}

export function keyFlags({ publicFile }: KeyFiles): readonly string[] {
  return ['--key', publicFile]
}

/** Who is not the signer, by name: another workflow ref, another issuer. */
export function wrongIdentities(world: World): Readonly<Record<'identity' | 'issuer', readonly string[]>> {
  const { identity } = expectedOf(world)
  return {
    identity: identityFlags(world, { identity: identity.replace('/main', '/dev') }),
    issuer: identityFlags(world, { issuer: world.stack.otherOidc.issuer }),
  }
}
