import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Matrix } from './matrix.ts'

const PAGE = join(import.meta.dirname, '..', '..', 'docs', 'relay.md')

/** Which broken link was caught where, for the page that people read. */
export class RelayPage {
  readonly #matrix = new Matrix('relay')
  readonly #rows: string[] = []

  /** @param also what refuses it besides, were the first place not there. */
  caught(link: string, where: string, code: string, message: string, also: readonly string[] = []): void {
    this.#matrix.record(`${link} → ${where}: ${code} ${message} | ${also.join(' | ')}`, {})
    const cells = [link, where, `\`${code}\``, steady(message), also.map(steady).join('; ')]
    this.#rows.push(`| ${cells.join(' | ')} |`)
  }

  write(): void {
    this.#matrix.write()
    if (process.env.UPDATE_GOLDEN === '1') writeFileSync(PAGE, this.#text())
  }

  compare(): void {
    if (process.env.UPDATE_GOLDEN !== '1') expect(readFileSync(PAGE, 'utf8')).toBe(this.#text())
  }

  #text(): string {
    return `${HEAD}${this.#rows.join('\n')}\n${FOOT}`
  }
}

/** Without what is another in each run: addresses, digests, commits, keys, names made from them. */
function steady(text: string): string {
  const [first = ''] = text.split('\n')
  const hosts = [...new Set(first.match(HOST))]
  return first
    .replace(/waybill-127-0-0-1-\d+-acme-app-[0-9a-f]{8}/g, 'waybill-host-example-acme-app')
    .replace(/sha256:[0-9a-f]{64}/g, 'sha256:…')
    .replace(/SHA256:[A-Za-z0-9+/]{43}/g, 'SHA256:…')
    .replace(/https:\/\/localhost:\d+/g, 'https://git.example')
    .replace(/https?:\/\/127\.0\.0\.1:\d+/g, 'https://issuer.example')
    .replace(HOST, host => (hosts.indexOf(host) === 0 ? 'host.example' : 'other.example'))
    .replace(/\b[0-9a-f]{40}\b|\b(?=[0-9a-f]*\d)[0-9a-f]{7}\b/g, '…')
    .replaceAll('|', '/')
}

const HOST = /127\.0\.0\.1:\d+/g

const HEAD = `# The relay, and each of its links broken

A developer signs a commit, a reviewer signs the review, the pipeline builds and attests, the deployer verifies and signs, the cluster
asks for the deployer's word, and a stranger asks the application what it runs. Each hands on to the next only what it has checked
itself. \`__tests__/peers/relay.test.ts\` runs that whole: with git, gpg and ssh-keygen, BuildKit, cosign, Fulcio, Rekor and a timestamp
authority, a registry, an API server whose admission is policy-controller's own webhook, Kyverno's engine, \`waybill serve\` as a
process, and somebody with nothing but a policy of his own and the server's key. The policies in the cluster are those that the deploy wrote.

The same file then breaks one link at a time, and everything else stays as it was: whoever breaks a link here may push to the
registry, and has every other signature that he needs. This table is what happened (\`UPDATE_GOLDEN=1\` writes it; addresses, digests and keys are left out).
*Caught at* is the first place that can see it. *Would also stop it* was tried as well, for whoever goes around that place.

| broken link | caught at | code, or policy that refused | what a person reads | would also stop it |
|---|---|---|---|---|
`
const FOOT = `
What each place reads: [source](source.md), [materials](materials.md), [the gate](verify.md), [deploying](deploy.md),
[admission](admission.md) and [Kyverno's](admission-kyverno.md), [clusters](cluster.md), [running applications](running.md).
Single cases by the dozen: [source](source-check.md), [the gate](gate-cases.md), [materials](materials-cases.md), [admission](admission-cases.md).
Codes: [errors](errors.md).
`
