import type { X509Certificate } from '@sigstore/core'

/**
 * Makes one parsed certificate remember what is true of it for ever: its own bytes, and whether another certificate's key
 * signed it. The library writes both certificates out again, part by part, whenever it compares two of them, and checks the
 * upper links of the chain anew for every bundle and every time in it; with many bundles that is most of the work.
 * Nothing is taken over from one certificate to another: equal bytes in a new object are checked anew. The library changes
 * only clones, which it parses from the bytes and which remember nothing.
 */
export function remembered(certificate: X509Certificate): X509Certificate {
  keepDer(certificate.root)
  keepDer(certificate.tbsCertificate)
  const check = certificate.verify.bind(certificate)
  const byIssuer = new WeakMap<X509Certificate, boolean>()
  let bySelf: boolean | undefined
  certificate.verify = issuer => {
    if (issuer === undefined) {
      bySelf ??= check()
      return bySelf
    }
    const known = byIssuer.get(issuer) ?? check(issuer)
    byIssuer.set(issuer, known)
    return known
  }
  return certificate
}

function keepDer(object: X509Certificate['root']): void {
  const der = object.toDER()
  object.toDER = () => der
}
