import { spawn } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Receipt } from '../../src/report/receipt.ts'
import type { GateBench } from './gate-support.ts'

const CLI = join(import.meta.dirname, '../../dist/cli.js')

/** What a row works with: a project with a published image, and one folder to write into. */
export interface CaseWorld {
  readonly bench: GateBench
  readonly folder: string
  /** Flags that name the right signer. */
  readonly expected: readonly string[]
  /** The flags with another value of one. */
  instead(name: string, value: string): readonly string[]
  /** `waybill … --json` in the folder. @returns what the page shows. */
  waybill(
    args: readonly string[],
    more?: { readonly stdin?: string; readonly preload?: string; readonly home?: string },
  ): Promise<string>
  /** `waybill verify image` of an image in the project's repository. */
  image(digest: string, flags?: readonly string[]): Promise<string>
  /** A new image with these bundles attached. @returns its digest. */
  signed(
    content: string,
    ...bundles: readonly ((digest: string) => Uint8Array | Promise<Uint8Array>)[]
  ): Promise<string>
  file(name: string, content: string | Uint8Array): string
}

export interface GateCase {
  readonly group: string
  readonly given: string
  /** Exit code and codes as `got` has them. */
  readonly expected: string
  readonly run: (world: CaseWorld) => Promise<string>
}

/**
 * The exit code, then the codes that decided: those of the error, of what was held against any subject, or, of what passed, of the
 * notes. Codes of what merely was not evidence are `sigstore/…`.
 */
export function gotOf(code: number, { error, subjects }: Receipt): string {
  const findings = subjects.flatMap(subject => subject.findings)
  const deciding = findings.filter(({ severity }) => severity === 'reject')
  const shown = code === 0 ? findings : deciding
  const codes = [...(error === undefined ? [] : [error.code]), ...shown.map(item => item.code)]
  return [String(code), ...[...new Set(codes)].sort()].join(' ')
}

export function caseWorld(bench: GateBench, folder: string): CaseWorld {
  const { scenario, here } = bench
  mkdirSync(folder, { recursive: true })
  const waybill: CaseWorld['waybill'] = async (args, { stdin = '', preload, home = scenario.stack.folder } = {}) => {
    const before = preload === undefined ? [] : ['--require', preload]
    const { code, stdout } = await run([...before, CLI, ...args, '--json'], folder, stdin, home)
    return gotOf(code, JSON.parse(stdout) as Receipt)
  }
  return {
    bench,
    folder,
    expected: scenario.expected,
    instead: (name, value) => scenario.expected.map((word, at, all) => (all[at - 1] === name ? value : word)),
    waybill,
    image: (digest, flags = scenario.expected) => waybill(['verify', 'image', `${scenario.image}@${digest}`, ...flags]),
    signed: async (content, ...bundles) => {
      const digest = await bench.image(content)
      const made: Uint8Array[] = []
      for (const bundle of bundles) made.push(await bundle(digest))
      if (made.length > 0) await here.attach(digest, ...made)
      return digest
    },
    file: (name, content) => {
      const path = join(folder, name)
      mkdirSync(join(path, '..'), { recursive: true })
      writeFileSync(path, content)
      return path
    },
  }
}

function run(args: readonly string[], cwd: string, stdin: string, home: string) {
  return new Promise<{ code: number; stdout: string }>((resolve, reject) => {
    const env = { PATH: '', HOME: home }
    const child = spawn(process.execPath, args, { cwd, env, stdio: ['pipe', 'pipe', 'pipe'] })
    let stdout = ''
    child.stdout.on('data', chunk => {
      stdout += chunk
    })
    child.stderr.resume()
    child.on('error', reject)
    child.on('close', code => resolve({ code: code ?? -1, stdout }))
    child.stdin.on('error', () => {})
    child.stdin.end(stdin)
  })
}
