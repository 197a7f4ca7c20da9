import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { parse, stringify } from 'yaml'
import { sha256 } from '../../src/core/digest.ts'
import { type Forger, openForger } from '../fakes/forge.ts'
import { writeLayout } from '../fakes/layout.ts'
import { policyOf, type Scenario, startScenario } from '../fakes/scenario.ts'

const ROOT = join(import.meta.dirname, '..', '..')
export const GITHUB = 'https://github.com'
const ISSUER = 'https://token.actions.githubusercontent.com'
const MALLORY = { repository: 'mallory/app', repository_id: '666' }

/** A clone of acme/app with the policy of one recipe, and everything its commands speak of. */
export interface RecipeWorld {
  readonly scenario: Scenario
  readonly forger: Forger
  /** The clone: where commands run, and the workspace of workflows. */
  readonly folder: string
  /** What a page writes → what it is here. */
  fill(text: string): string
  /** Output as a page shows it: names of the page, no digests, no times. */
  shown(text: string): string
  /** Variables of a shell in which the programs that a page calls can be found. */
  readonly env: Readonly<Record<string, string>>
  /** Expression of a workflow → what it is here. */
  readonly secrets: Map<string, string>
  /** What stand-ins were called with, one call a line. */
  calls(): readonly string[]
  write(path: string, text: string): void
  /** An image under a tag, signed as the page expects, by somebody else, or by nobody. @returns its digest. */
  image(tag: string, content: string, by?: 'acme' | 'mallory' | 'nobody'): Promise<string>
  /** A file with its bundle beside it, about these bytes or about others. */
  file(
    path: string,
    content: string,
    signed?: { readonly by?: 'acme' | 'mallory'; readonly about?: string },
  ): Promise<void>
  close(): Promise<void>
}

/** @param rules `deploy:` as the page has it. Loopback and its trust root take the place of the public services. */
export async function openRecipeWorld(rules: string): Promise<RecipeWorld> {
  const claims = { repository_id: '4711' }
  const scenario = await startScenario({ issuer: ISSUER, platform: GITHUB, claims })
  const { stack, repository, alice, bob, image } = scenario
  const host = stack.registry.host
  let last = ''
  const fill = (text: string): string => text.replaceAll('ghcr.io', host).replaceAll('DIGEST', last)
  const files = {
    '.github/waybill.yml': policyOf(alice, bob, stringify(rulesHere(fill(rules)))),
    '.github/trust/root.json': readFileSync(stack.trustedRootFile, 'utf8'),
  }
  repository.commit({ message: 'Say who may deploy', signer: alice, files })
  await scenario.publish()
  const forger = await openForger(stack, image, GITHUB)
  const folder = join(stack.folder, 'clone')
  mkdirSync(folder)
  const write = (path: string, text: string): void => {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), text)
  }
  for (const [path, text] of Object.entries(files)) write(path, text)
  const env = { ...programs(stack.folder), HOME: stack.folder }
  const log = join(stack.folder, 'calls')
  return {
    scenario,
    forger,
    folder,
    fill,
    shown: text => shownText(text, scenario, folder),
    env,
    secrets: new Map([['github.token', 'a-token']]),
    calls: () => (existsSync(log) ? readFileSync(log, 'utf8').split('\n').slice(0, -1) : []),
    write,
    image: async (tag, content, by = 'acme') => {
      const digest = await forger.push(writeLayout(join(stack.folder, `image-${content}`), { content }).folder, tag)
      const claims = by === 'mallory' ? MALLORY : {}
      if (by !== 'nobody')
        await forger.attach(digest, await forger.signature(digest, claims), await forger.provenance(digest, claims))
      last = digest
      return digest
    },
    file: async (path, content, { by = 'acme', about = content } = {}) => {
      write(path, content)
      const bundle = await forger.signature(sha256(about), by === 'mallory' ? MALLORY : {})
      write(`${path}.sigstore.json`, Buffer.from(bundle).toString())
    },
    close: async () => {
      forger.close()
      await scenario.close()
    },
  }
}

interface Rules {
  readonly deploy?: readonly { readonly match: readonly string[]; readonly trust?: unknown }[]
  readonly 'base-images'?: readonly { readonly signers?: unknown; readonly deny?: true }[]
}

/** The same rules with the trust root of the stack, whose registry has an address inside. */
function rulesHere(text: string): unknown {
  const { deploy, 'base-images': images, ...more } = parse(text) as Rules
  const within = images?.map(rule => ({
    ...rule,
    ...(rule.signers === undefined ? {} : { trust: { file: 'trust/root.json' } }),
    ...(rule.deny === true ? {} : { private: true }),
  }))
  const judged = deploy?.map(rule => {
    if (rule.trust !== 'public-good') return rule
    const inside = rule.match.some(pattern => pattern.startsWith('file:')) ? {} : { private: true }
    return { ...rule, trust: { file: 'trust/root.json' }, ...inside }
  })
  return {
    ...more,
    ...(within === undefined ? {} : { 'base-images': within }),
    ...(judged === undefined ? {} : { deploy: judged }),
  }
}

/** Programs of others are stand-ins that write down how they were called; `waybill` and npm are the real ones. */
function programs(folder: string): { readonly PATH: string } {
  const bin = join(folder, 'bin')
  mkdirSync(bin)
  symlinkSync(ROOT, join(folder, 'waybill'))
  const program = (name: string, script: string): void => {
    writeFileSync(join(bin, name), `#!/bin/sh\n${script}`)
    chmodSync(join(bin, name), 0o755)
  }
  program('waybill', `exec '${process.execPath}' '${join(ROOT, 'dist/cli.js')}' "$@"\n`)
  const note = (name: string): string => `printf '%s\\n' "${name} $*" >> '${join(folder, 'calls')}'\n`
  const applied = `[ "$1 $2 $3" != 'apply -f -' ] || cat > '${join(folder, 'applied.yaml')}'\n`
  const pods = `[ "$1 $2" != 'get pods' ] || cat '${join(folder, 'pods.json')}'\n`
  program('kubectl', `${note('kubectl')}${applied}${pods}`)
  for (const name of ['helm', 'kustomize']) program(name, `${note(name)}cat '${join(folder, 'rendered.yaml')}'\n`)
  for (const name of ['oras', 'logger', 'docker', 'aws', 'gh']) program(name, note(name))
  return { PATH: `${bin}:${dirname(process.execPath)}:${process.env.PATH ?? ''}` }
}

function shownText(text: string, { stack }: Scenario, folder: string): string {
  return text
    .replaceAll(stack.registry.host, 'ghcr.io')
    .replaceAll(stack.git.url, GITHUB)
    .replaceAll(`${folder}/`, '')
    .replace(/\b[0-9a-f]{64}\b/g, '…')
    .replace(/\b[0-9a-f]{40}\b/g, '…')
    .replace(/\bsha256:[0-9a-f]{12}\b/g, 'sha256:…')
    .replace(/→ [0-9a-f]{12}\b/g, '→ …')
    .replace(/\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z/g, '…')
}

/** A copy of the clone as a workspace: what one run leaves behind is not there for the next. */
export function workspaceOf({ folder, scenario }: RecipeWorld, name: string): string {
  const copy = join(scenario.stack.folder, 'workspaces', name)
  cpSync(folder, copy, { recursive: true })
  return copy
}
