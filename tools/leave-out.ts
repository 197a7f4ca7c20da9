import { cpSync, mkdirSync, realpathSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/**
 * Libraries that another one imports at its beginning for ways that Waybill never goes, each with the modules in its place. The
 * artifact client unpacks archives with `unzip-stream`, one of whose parts declares no licence at all: Waybill reads archives with
 * its own strict reader. And it asks for artifacts of other runs with a whole client of the platform's API, which Waybill never does.
 */
export const LEFT_OUT: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'unzip-stream': { '.': `export default { Extract() { ${absent('unzip-stream')} } }` },
  '@actions/github': {
    '.': `export function getOctokit() { ${absent('@actions/github')} }`,
    './lib/utils': `export const defaults = {}; export function getOctokitOptions() { ${absent('@actions/github')} }`,
  },
  '@octokit/plugin-retry': { '.': 'export const retry = undefined' },
  '@octokit/plugin-request-log': { '.': 'export const requestLog = undefined' },
}

function absent(name: string): string {
  return `throw new Error('${name} is not part of this bundle')`
}

/** Whose imports are meant. */
const OF = '@actions/artifact'

/**
 * Puts an unchanged copy of the library into the folder that is bundled, with those in its place beside it, where it looks for them
 * first. What is installed stays as it is.
 * @param lib the compiled sources, made new by every build.
 */
export function leaveOut(root: string, lib: string): void {
  const modules = join(lib, 'node_modules')
  cpSync(realpathSync(join(root, 'node_modules', OF)), join(modules, OF), { recursive: true })
  for (const [name, files] of Object.entries(LEFT_OUT)) {
    const folder = join(modules, name)
    mkdirSync(folder, { recursive: true })
    const exports = Object.fromEntries(Object.keys(files).map((path, at) => [path, `./${at}.js`]))
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ name, type: 'module', exports }))
    for (const [at, text] of Object.values(files).entries()) writeFileSync(join(folder, `${at}.js`), `${text}\n`)
  }
}
