import { decodeBase64, decodeUtf8 } from '../core/bytes.ts'
import { fail } from '../core/error.ts'
import { printable } from '../core/text.ts'
import { type Certificate, readCertificate } from './x509.ts'

/** A file of root certificates that the policy names, as it lies in the law. */
export interface X509RootFile {
  readonly path: string
  readonly bytes: Uint8Array
}

const BLOCK = /-----BEGIN CERTIFICATE-----\r?\n([A-Za-z0-9+/=\r\n]*?)-----END CERTIFICATE-----/g

/**
 * Reads PEM certificates (RFC 7468), one or more a file and nothing beside them: words could name another authority to whoever
 * reads the file than the block does.
 * @throws `source/root-unreadable` naming the file; a private key in it refuses too.
 */
export function readRoots(files: readonly X509RootFile[]): readonly Certificate[] {
  const roots = new Map<string, Certificate>()
  for (const { path, bytes } of files) {
    try {
      for (const root of rootsOf(bytes)) roots.set(root.fingerprint, root)
    } catch (error) {
      const found = error instanceof Error ? error.message : 'unreadable'
      throw fail('source/root-unreadable', `The file ${printable(path)} cannot be read as root certificates`, {
        expected: 'PEM: -----BEGIN CERTIFICATE-----',
        found: printable(found, 300),
        cause: error,
      })
    }
  }
  return [...roots.values()]
}

function rootsOf(bytes: Uint8Array): readonly Certificate[] {
  const text = decodeUtf8(bytes)
  if (text === undefined) throw new Error('text that is not UTF-8')
  if (/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(text))
    throw new Error('a private key, which must never be in a repository')
  const blocks = [...text.matchAll(BLOCK)]
  if (blocks.length === 0 || text.replace(BLOCK, '').trim() !== '') throw new Error('something other than certificates')
  return blocks.map(([, body = '']) => {
    const root = readCertificate(decodeBase64(body.replace(/[\r\n]/g, ''), 'certificate'))
    if (!root.isAuthority) throw new Error(`certificate ${root.serial}, which is not an authority’s (basicConstraints)`)
    return root
  })
}
