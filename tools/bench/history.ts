import { execFileSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { Pack } from './pack.ts'
import type { Signer } from './signers.ts'

/** A branch that was written object by object. */
export interface MadeHistory {
  /** A bare repository. */
  readonly folder: string
  readonly anchor: string
  readonly head: string
  /** First parents after the anchor, oldest first. */
  readonly line: readonly string[]
  /** After the anchor, those that merges bring in included. */
  readonly commits: number
}

/** What stands in one commit of the line. */
export interface Plan {
  readonly signer: Signer
  /** Further commits that a merge brings in, one after the other on a branch of their own. */
  readonly brings?: readonly Signer[]
  /** A line in the policy of this commit and all after it; a maintainer has to sign. */
  readonly changesLaw?: boolean
  /** Its signature is made over other bytes. */
  readonly bad?: boolean
}

/** Seconds since the epoch; each commit is one second younger than the one before. */
const START = 1_780_000_000

/**
 * Writes a history whose first commit holds the policy: every signer is a developer, the first one maintains.
 * Each commit has a root tree of its own, as real ones do.
 */
export async function makeHistory(
  folder: string,
  signers: readonly Signer[],
  length: number,
  planOf: (place: number) => Plan,
): Promise<MadeHistory> {
  const writer = new Writer(signers)
  const [first] = signers
  if (first === undefined) throw new Error('nobody signs')
  const anchor = await writer.commit([], { signer: first }, 'Begin with a policy')
  let head = anchor
  const line: string[] = []
  for (let place = 0; place < length; place++) {
    const plan = planOf(place)
    let side = head
    for (const signer of plan.brings ?? []) side = await writer.commit([side], { signer }, `Side of step ${place}`)
    head = await writer.commit(side === head ? [head] : [head, side], plan, `Step ${place}`)
    line.push(head)
  }
  await writer.end(folder, head)
  return { folder, anchor, head, line, commits: writer.commits - 1 }
}

class Writer {
  readonly #pack = new Pack()
  readonly #signers: readonly Signer[]
  readonly #keys: string
  #law = ''
  #laws = 0
  commits = 0

  constructor(signers: readonly Signer[]) {
    this.#signers = signers
    const files = signers.flatMap(({ key, name }) =>
      'ssh' in key
        ? []
        : [{ name: `${name}.asc`, mode: '100644', id: this.#pack.add('blob', Buffer.from(key.armored)) }],
    )
    this.#keys = this.#tree(files)
    this.#changeLaw()
  }

  async commit(parents: readonly string[], plan: Plan, message: string): Promise<string> {
    const at = ++this.commits
    if (plan.changesLaw === true) this.#changeLaw()
    const file = this.#pack.add('blob', Buffer.from(`${at}\n`))
    const tree = this.#tree([
      { name: '.github', mode: '40000', id: this.#law },
      { name: 'step.txt', mode: '100644', id: file },
    ])
    const { name, email } = plan.signer
    const person = `${name} <${email}> ${START + at} +0000`
    const head = [`tree ${tree}`, ...parents.map(id => `parent ${id}`), `author ${person}`, `committer ${person}`]
    const payload = `${head.join('\n')}\n\n${message}\n\nA paragraph that says why, of the length that such paragraphs have in practice.\n`
    const signature = await plan.signer.sign(Buffer.from(plan.bad === true ? `${payload}!` : payload))
    const object = `${head.join('\n')}\ngpgsig ${signature.replaceAll('\n', '\n ')}${payload.slice(head.join('\n').length)}`
    return this.#pack.add('commit', Buffer.from(object))
  }

  async end(folder: string, head: string): Promise<void> {
    mkdirSync(folder, { recursive: true })
    const git = (...args: string[]) => execFileSync('git', args, { stdio: ['ignore', 'ignore', 'inherit'] })
    git('init', '--quiet', '--bare', '--initial-branch=main', folder)
    await this.#pack.writeTo(folder)
    git('-C', folder, 'update-ref', 'refs/heads/main', head)
  }

  #changeLaw(): void {
    const policy = this.#pack.add('blob', Buffer.from(policyOf(this.#signers, ++this.#laws)))
    this.#law = this.#tree([
      { name: 'keys', mode: '40000', id: this.#keys },
      { name: 'waybill.yml', mode: '100644', id: policy },
    ])
  }

  #tree(entries: readonly { name: string; mode: string; id: string }[]): string {
    const parts = entries.flatMap(({ name, mode, id }) => [Buffer.from(`${mode} ${name}\0`), Buffer.from(id, 'hex')])
    return this.#pack.add('tree', Buffer.concat(parts))
  }
}

function policyOf(signers: readonly Signer[], version: number): string {
  const principals = signers.map(({ name, email, key }) => {
    const entry =
      'ssh' in key ? `ssh: { key: "${key.ssh}" }` : `openpgp: { fingerprint: "${key.fingerprint}", file: ${key.file} }`
    return `  ${name}:\n    emails: [${email}]\n    signers: [{ ${entry} }]\n`
  })
  const names = signers.map(({ name }) => name)
  return `# Version ${version}
version: 1
principals:
${principals.join('')}roles: { maintainers: [${names[0]}], developers: [${names.join(', ')}] }
source:
  - refs: ["refs/heads/main"]
    commits: { signers: ["@developers"] }
policy-change: { signers: ["@maintainers"] }
`
}
