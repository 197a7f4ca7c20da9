import { asWaybillError } from '../core/error.ts'
import { findingOf } from '../core/verdict.ts'
import type { MaterialItem } from '../materials/manifest/item.ts'
import { materialRule } from '../policy/material-policy.ts'
import type { Policy } from '../policy/policy.ts'
import type { WorldContent } from '../report/closed-world.ts'
import { bareRepository, submoduleUrl } from '../source/submodule-url.ts'
import { type Submodule, shownPath } from '../source/submodules.ts'
import type { CheckoutContent } from './materials-command-request.ts'
import { materialRuleText } from './materials-command-rule.ts'
import { undeclaredAt } from './submodules.ts'

/** What the tree of the checkout's commit only points to, and what allows it. Nobody is asked; inside submodules nobody looks. */
export function contentOfCheckout(
  { tree, submodules, large }: CheckoutContent,
  items: readonly MaterialItem[],
  policy: Policy | undefined,
): readonly WorldContent[] {
  return [
    ...submodules.map(submodule => submoduleContent(submodule, tree.remote, items, policy)),
    ...large.map(({ path, oid }) => ({
      path,
      kind: 'lfs' as const,
      digest: `sha256:${oid}`,
      allowed: 'the commit itself names its SHA-256',
      findings: [],
    })),
  ]
}

function submoduleContent(
  { path, commit, url }: Submodule,
  base: string,
  items: readonly MaterialItem[],
  policy: Policy | undefined,
): WorldContent {
  const told = { path: shownPath(path), kind: 'submodule', digest: commit } as const
  try {
    const remote = submoduleUrl(url, base)
    const uri = `git+${bareRepository(remote)}@${commit}`
    const item = items.find(({ use }) => use.kind === 'submodule' && use.path === told.path)
    if (item?.digest.get('gitCommit') === commit && item.uri.kind === 'git')
      return { ...told, uri: item.uri.canonical, allowed: `the manifest’s ${item.name}`, findings: [] }
    const rule = policy === undefined || item !== undefined ? undefined : materialRule(policy, uri)
    if (rule === undefined) throw undeclaredAt(path, commit, remote)
    return { ...told, uri, allowed: `materials: ${materialRuleText(rule)}`, findings: [] }
  } catch (error) {
    return { ...told, findings: [findingOf(asWaybillError(error), told.path)] }
  }
}
