/** What `--help` prints; every command has an example that runs. */
export const USAGE = `waybill – who wrote the commits, which workflow built the image, who may have signed it

  waybill verify image REFERENCE… (--policy FILE | flags that say who is expected)
  waybill --version

Who is expected to have signed (one way, never none):
  --policy FILE                       the first deploy rule that matches the image
  --certificate-identity TEXT         exact identity in the certificate, with
  --certificate-oidc-issuer URL         the issuer that vouches for it
  --repository OWNER/NAME             a GitHub workflow run, with all of
  --repository-id NUMBER|any            the repository's number,
  --signer WORKFLOW@REF                 the workflow that signed,
  --source-ref REF|any                  the ref it was built from (may be repeated),
  --caller WORKFLOW@REF                 and who called it, if another workflow
  --key FILE                          a public key in PEM

What must hold, and against what:
  --require ITEMS                     signature, provenance; separated by commas (default: signature)
  --predicate-type URI                a signature must be a statement of this type
  --trusted-root FILE                 trust root of an own Sigstore (default: the public instance)
  --insecure-registry HOST[:PORT]     a registry without TLS (may be repeated)

How to tell:
  --json                              the result object on stdout, nothing else
  --quiet                             only the exit code; mistakes of the command line still go to stderr

Exit codes: 0 passed · 1 rejected · 2 could not be checked · 3 the command line or policy could not be understood

Example:
  waybill verify image ghcr.io/acme/app:v1 \\
    --certificate-identity https://github.com/acme/app/.github/workflows/release.yml@refs/heads/main \\
    --certificate-oidc-issuer https://token.actions.githubusercontent.com --require signature,provenance
`
