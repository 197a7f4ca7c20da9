import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { runProgram } from './program.ts'

/**
 * A program of this folder as a bundle of its own, made of the same sources and in the same way as `dist`: what is measured
 * is not the time and memory that reading TypeScript takes.
 * @param name of the file without its ending
 * @returns the file to run
 */
export async function bundle(root: string, name: string): Promise<string> {
  const out = join(root, '.cache', 'bench', name)
  await rm(out, { recursive: true, force: true })
  await mustPass(root, [
    'node_modules/typescript/bin/tsc',
    '-p',
    'tools/bench/tsconfig.json',
    '--outDir',
    join(out, 'lib'),
  ])
  const entry = join(out, 'lib', 'tools', 'bench', `${name}.js`)
  const ncc = ['node_modules/@vercel/ncc/dist/ncc/cli.js', 'build', entry, '-o', join(out, 'dist')]
  await mustPass(root, [...ncc, '-m', '--no-cache', '--quiet'])
  return join(out, 'dist', 'index.js')
}

async function mustPass(root: string, args: readonly string[]): Promise<void> {
  const { code, log } = await runProgram(process.execPath, args, { PATH: process.env.PATH ?? '' }, root)
  if (code !== 0) throw new Error(`node ${args.join(' ')} ended with ${code}:\n${log}`)
}
