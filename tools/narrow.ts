/**
 * Puts a narrow copy of the Kubernetes client library beside the compiled sources, where the bundler finds it first (decision 19).
 * The library's one file for kubeconfig imports its whole generated API (19 MB) for a method that is never called here. The copy
 * holds the files that are used, byte for byte, and in the place of those that are not a few lines that throw: the generated API,
 * a second HTTP client, and all three ways to log in by starting a program, of which `src/cluster/plugin.ts` does the only one
 * that is wanted. The bundler fails for a name that is not there.
 */
import { copyFileSync, cpSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

const LIBRARY = 'node_modules/@kubernetes/client-node'

const KEPT = [
  'package.json',
  'dist/config.js',
  'dist/config_types.js',
  'dist/file_auth.js',
  'dist/gen/rxjsStub.js',
  'dist/middleware.js',
  'dist/oidc_auth.js',
  'node_modules/js-yaml',
]

/** File → names that others import from it. */
const LEFT_OUT = {
  'dist/azure_auth.js': ['AzureAuth'],
  'dist/exec_auth.js': ['ExecAuth'],
  'dist/gcp_auth.js': ['GoogleCloudPlatformAuth'],
  'dist/gen/index.js': ['createConfiguration', 'ServerConfiguration'],
  'node_modules/undici/index.js': ['Agent', 'ProxyAgent'],
} as const

export function narrowKubernetesClient(root: string): void {
  const [from, to] = [join(root, LIBRARY), join(root, 'lib', LIBRARY)]
  for (const path of KEPT) {
    mkdirSync(dirname(join(to, path)), { recursive: true })
    if (path !== 'node_modules/js-yaml') copyFileSync(join(from, path), join(to, path))
    else cpSync(join(from, path), join(to, path), { recursive: true })
  }
  for (const [path, names] of Object.entries(LEFT_OUT)) {
    mkdirSync(dirname(join(to, path)), { recursive: true })
    writeFileSync(join(to, path), names.map(leftOut).join(''))
  }
  const undici = { name: 'undici', type: 'module', main: 'index.js' }
  writeFileSync(join(to, 'node_modules/undici/package.json'), JSON.stringify(undici))
}

/** A login that nobody has, and anything else that throws when it is made. */
function leftOut(name: string): string {
  const login = name.endsWith('Auth')
  const body = login
    ? `isAuthProvider() { return false }`
    : `constructor() { throw new Error('${name} is not part of this build') }`
  return `export class ${name} { ${body} }\n`
}
