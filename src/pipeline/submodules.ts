import type { CommitId } from '../core/digest.ts'
import { asWaybillError, fail, type WaybillError } from '../core/error.ts'
import { LIMITS } from '../core/limits.ts'
import { inParallel } from '../core/parallel.ts'
import type { MaterialItem, MaterialUri, Verify } from '../materials/manifest/item.ts'
import type { ExportedSubmodule } from '../source/export-graft.ts'
import { bareRepository, submoduleUrl } from '../source/submodule-url.ts'
import { readSubmodules, type Submodule, shownPath, undeclared } from '../source/submodules.ts'
import { type AsSubmodule, fetchRepository } from './materials-fetch-git.ts'
import type { JudgedTree } from './materials-fetch-request.ts'
import { type FetchRun, refusalOf, refusedMaterial } from './materials-fetch-run.ts'
import type { FetchedMaterial } from './materials-outcome.ts'

type GitUri = Extract<MaterialUri, { kind: 'git' }>

/** One repository whose submodules are looked at. */
interface Level extends JudgedTree {
  /** Where it lies in the judged tree, with a slash at its end; one character a byte. */
  readonly prefix: string
  readonly depth: number
}

/** What allows a submodule, as an item that is fetched like any other. */
interface Allowed {
  readonly item: MaterialItem
  readonly uri: GitUri
  readonly verify: readonly Verify[]
}

/**
 * Every submodule of the judged tree, and those inside them, as materials (13-adversary 14): the commit is pinned by the tree
 * itself, the address by its `.gitmodules`, and an item of the manifest or a rule of the policy must allow exactly that before
 * anybody is asked (13-adversary 20, 39). A refusal is a verdict of its submodule; that of an inner one is told beside it.
 * @throws `source/gitmodules-malformed`, `source/submodule-undeclared` of the judged tree itself, `source/tree-too-large`
 */
export async function fetchSubmodules(run: FetchRun): Promise<readonly FetchedMaterial[]> {
  const walk = new SubmoduleWalk(run)
  const { tree } = run.request
  if (tree !== undefined) await walk.level({ ...tree, prefix: '', depth: 1 })
  return walk.end()
}

/** Those of the judged tree itself, which an export of it may take in. */
export function submodulesOf(fetched: readonly FetchedMaterial[]): ReadonlyMap<string, ExportedSubmodule> {
  return new Map(
    fetched.flatMap(({ item: { use }, submodule, judged }) =>
      use.kind === 'submodule' && submodule !== undefined && judged.verdict === 'passed'
        ? [[bytesOf(use.path), submodule] as const]
        : [],
    ),
  )
}

class SubmoduleWalk {
  readonly #run: FetchRun
  readonly #declared: ReadonlyMap<string, MaterialItem>
  readonly #met = new Set<string>()
  readonly #fetched: FetchedMaterial[] = []

  constructor(run: FetchRun) {
    this.#run = run
    this.#declared = new Map(
      run.request.items.flatMap(item => (item.use.kind === 'submodule' ? [[bytesOf(item.use.path), item]] : [])),
    )
  }

  /** @returns the verified ones, by their path in this repository. */
  async level(level: Level): Promise<ReadonlyMap<string, ExportedSubmodule>> {
    const found = await readSubmodules(level.history, level.tree)
    const all = await inParallel(found, LIMITS.materialsParallel, async submodule => {
      const tree = await this.#fetch(level, submodule)
      return tree === undefined ? [] : [[submodule.path, tree] as const]
    })
    return new Map(all.flat())
  }

  /** What was fetched, and what the manifest declares in vain. */
  end(): readonly FetchedMaterial[] {
    const refused = this.#fetched.filter(({ judged }) => judged.verdict !== 'passed')
    const above = refused.flatMap(({ item: { use } }) => (use.kind === 'submodule' ? [bytesOf(use.path)] : []))
    const absent = [...this.#declared].flatMap(([path, item]) => {
      // Inside one that was refused nobody looked.
      if (this.#met.has(path) || above.some(other => path.startsWith(`${other}/`))) return []
      return [refusedMaterial(this.#run, item, refusalOf(mismatch(path, 'a submodule there', 'none'), item))]
    })
    return [...this.#fetched, ...absent]
  }

  async #fetch(level: Level, submodule: Submodule): Promise<ExportedSubmodule | undefined> {
    const path = `${level.prefix}${submodule.path}`
    this.#met.add(path)
    let item = this.#declared.get(path) ?? placeholder(path, submodule)
    try {
      this.#run.requireTime()
      if (level.depth > LIMITS.submoduleDepth) throw tooDeep(path)
      const allowed = this.#allowed(path, submodule, submoduleUrl(submodule.url, level.remote))
      item = allowed.item
      const fetched = await fetchRepository(this.#run, item, allowed.uri, this.#as(level, path, allowed))
      this.#fetched.push({ ...fetched, judged: { ...fetched.judged, places: placesOf(fetched, path) } })
      return fetched.submodule
    } catch (error) {
      const refused = refusedMaterial(this.#run, item, refusalOf(asWaybillError(error), item))
      this.#fetched.push({ ...refused, judged: { ...refused.judged, places: placesOf(refused, path) } })
      return undefined
    }
  }

  #as({ depth }: Level, path: string, { uri, verify }: Allowed): AsSubmodule {
    return {
      verify,
      inside: (history, { tree }) =>
        this.level({ history, tree, remote: uri.remote, prefix: `${path}/`, depth: depth + 1 }),
    }
  }

  /** @throws `source/submodule-undeclared`, `source/submodule-mismatch`, `policy/no-rule`, `policy/denied` */
  #allowed(path: string, { commit }: Submodule, remote: string): Allowed {
    const item = this.#declared.get(path)
    if (item !== undefined) return declaredAs(item, path, commit, remote)
    const uri = gitUri(remote, commit)
    const rule = this.#run.rule(uri.canonical)
    if (rule === undefined) throw undeclaredAt(path, commit, remote)
    const verify = rule.keys.map((name): Verify => ({ kind: 'git', key: { from: 'policy', name } }))
    const [first] = verify
    const own = placeholder(path, { commit }, uri)
    const keyed = first === undefined ? own : { ...own, verify: first }
    return { item: keyed, uri, verify }
  }
}

/** 13-adversary 20: the manifest says of a submodule what the tree says, or it is refused. */
function declaredAs(item: MaterialItem, path: string, commit: CommitId, remote: string): Allowed {
  const { uri, digest, verify } = item
  if (uri.kind !== 'git') throw new TypeError('the parser takes nothing but repositories for submodules')
  if (bareRepository(uri.remote) !== bareRepository(remote)) throw mismatch(path, remote, uri.remote)
  const wanted = digest.get('gitCommit') ?? commit
  if (wanted !== commit) throw mismatch(path, commit, wanted)
  const pinned = { ...item, digest: new Map([['gitCommit', commit]] as const) }
  return { item: pinned, uri, verify: verify === undefined ? [] : [verify] }
}

/** For what no item of the manifest declares: the tree pins it, and the policy alone may allow it. */
function placeholder(path: string, { commit }: Pick<Submodule, 'commit'>, uri?: GitUri): MaterialItem {
  const shown = shownPath(path)
  const canonical = `submodule:${shown}`
  return {
    name: shown,
    uri: uri ?? { kind: 'git', canonical, remote: '', ref: commit },
    mirrors: [],
    digest: new Map([['gitCommit', commit]]),
    use: { kind: 'submodule', path: textOf(path) },
    at: '',
  }
}

function gitUri(remote: string, commit: CommitId): GitUri {
  return { kind: 'git', canonical: `git+${bareRepository(remote)}@${commit}`, remote, ref: commit }
}

/** `.gitmodules` for what the manifest does not name, and the path in the tree. */
function placesOf({ item, judged }: FetchedMaterial, path: string): readonly string[] {
  return [...(item.at === '' ? ['.gitmodules'] : judged.places), shownPath(path)]
}

/** The refusal of a submodule that nothing allows, with the lines that would. @param path one character a byte. */
export function undeclaredAt(path: string, commit: CommitId, remote: string): Error {
  return undeclared(
    path,
    commit,
    `Declare it in .github/waybill.materials.yml, in a reviewed commit:\nmaterials:\n  - ${submoduleItem(path, commit, remote)}`,
  )
}

/** An item to paste. Texts are quoted as JSON, which YAML reads too: whoever wrote `.gitmodules` chose them. */
function submoduleItem(path: string, commit: CommitId, remote: string): string {
  const shown = textOf(path)
  const name = (shown.split('/').at(-1) ?? '').replace(/[^A-Za-z0-9._-]/g, '-').replace(/^[^A-Za-z0-9]+/, '')
  const uri = JSON.stringify(`git+${bareRepository(remote)}@${commit}`)
  const use = `use: {submodule: ${JSON.stringify(shown)}}`
  return `{name: ${name === '' ? 'NAME' : name}, uri: ${uri}, digest: {gitCommit: ${commit}}, ${use}}`
}

function mismatch(path: string, expected: string, found: string): WaybillError {
  return fail(
    'source/submodule-mismatch',
    `The manifest declares another submodule at ${shownPath(path)} than the tree has`,
    { expected, found },
  )
}

function tooDeep(path: string): Error {
  return fail('source/submodule-depth', `The submodule at ${shownPath(path)} lies too deep`, {
    expected: `at most ${LIMITS.submoduleDepth} in one another`,
  })
}

/** Names in a tree are bytes, one character each. */
function bytesOf(path: string): string {
  return Buffer.from(path, 'utf8').toString('latin1')
}

function textOf(path: string): string {
  return Buffer.from(path, 'latin1').toString('utf8')
}
