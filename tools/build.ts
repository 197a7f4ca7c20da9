/**
 * Builds `dist/`: tsc → ncc → doors → notices. Deterministic: the same sources and lockfile give the same bytes.
 * With `WAYBILL_RELEASE=1` a release, which differs in that one constant.
 */
import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { minify } from '@swc/core'
import { leaveOut } from './leave-out.ts'
import { narrowKubernetesClient } from './narrow.ts'
import { writeNotices } from './notices.ts'
import { asRelease } from './release.ts'
import { sourceStamp } from './source-stamp.ts'

const root = join(import.meta.dirname, '..')
const dist = join(root, 'dist')

/** Door name → what it runs. Each is a few lines onto the one bundle, so shared code is shipped once. */
const DOORS = {
  attest: 'runAttest',
  verify: 'runVerify',
  deploy: 'runDeploy',
  comment: 'runComment',
  prepare: 'runPrepare',
  leg: 'runLeg',
  sign: 'runSign',
  cli: 'runCli',
  artifact: 'runArtifactTask',
} as const

/** Libraries that only some histories need, each with words of its own: none may be in what every run loads. */
const LAZY = {
  openpgp: 'OpenPGP.js',
  asn1js: 'UNIVERSAL 37 and upper tags are reserved',
  pkijs: 'Wrong structure of SignedUnsignedAttributes',
  '@noble/ciphers': 'expand 32-byte k',
  '@noble/curves': 'invalid recovery: point at infinify',
  '@actions/artifact': 'github.actions.results.api.v1.ArtifactService',
  '@kubernetes/client-node': 'HTTP protocol is not allowed when skipTLSVerify',
} as const

/** Lazy libraries so large that their file is made small, as the main file is; the bundler only shortens names there. */
const SMALL: readonly (keyof typeof LAZY)[] = ['@actions/artifact', '@kubernetes/client-node']

/** Bytes of what every door loads before it does anything: starting takes as long as reading it does. */
const EAGER_BYTES = 2_000_000

function requireSmallStart(): void {
  const { size } = statSync(join(dist, 'index.js'))
  if (size <= EAGER_BYTES) return
  console.error(
    `index.js has ${size} bytes, and ${EAGER_BYTES} at most: import what only some runs need where it is called (see src/entry/main.ts)`,
  )
  process.exit(1)
}

function holdersOf(words: string): readonly string[] {
  const scripts = readdirSync(dist).filter(file => file.endsWith('.js'))
  return scripts.filter(file => readFileSync(join(dist, file), 'utf8').includes(words))
}

/** Names of classes stay: errors are told apart and shown by them. Names of functions do not: a tenth of what is read at the start. */
async function makeSmall(): Promise<void> {
  for (const file of ['index.js', ...SMALL.flatMap(library => holdersOf(LAZY[library]))]) {
    const path = join(dist, file)
    const names = { keepClassNames: true, keepFnNames: file !== 'index.js' }
    const code = readFileSync(path, 'utf8')
    const small = await minify(code, { module: true, compress: { keep_classnames: true }, mangle: names })
    writeFileSync(path, small.code)
  }
}

function requireLazy(): void {
  for (const [library, words] of Object.entries(LAZY)) {
    const holders = holdersOf(words)
    if (holders.length === 1 && holders[0] !== 'index.js') continue
    console.error(
      `${library} must be in one file of its own, loaded when needed; found in: ${holders.join(', ') || 'none'}`,
    )
    process.exit(1)
  }
}

function execute(file: string, args: readonly string[]): void {
  const result = spawnSync(file, [...args], { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] })
  if (result.status !== 0) {
    console.error(`${file} ${args.join(' ')} failed`)
    process.exit(1)
  }
}

for (const folder of ['lib', 'dist']) rmSync(join(root, folder), { recursive: true, force: true })
execute(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.json'])
if (process.env.WAYBILL_RELEASE === '1') {
  const version = join(root, 'lib/entry/version.js')
  writeFileSync(version, asRelease(readFileSync(version, 'utf8')))
}
leaveOut(root, join(root, 'lib'))
narrowKubernetesClient(root)
execute(process.execPath, [
  'node_modules/@vercel/ncc/dist/ncc/cli.js',
  'build',
  'lib/entry/main.js',
  '-o',
  'dist',
  '-m',
  '--no-cache',
  '--quiet',
])
mkdirSync(dist, { recursive: true })
for (const [door, run] of Object.entries(DOORS)) {
  const file = join(dist, `${door}.js`)
  const shebang = door === 'cli' ? '#!/usr/bin/env node\n' : ''
  writeFileSync(file, `${shebang}import { ${run} } from './index.js'\n\nawait ${run}()\n`)
  chmodSync(file, 0o755)
}
requireLazy()
await makeSmall()
requireSmallStart()
await writeNotices(root, join(dist, 'THIRD-PARTY-NOTICES.txt'))
writeFileSync(join(dist, 'SOURCE'), `${sourceStamp(root)}\n`)
console.log(`dist: ${readdirSync(dist).join(' ')}`)
