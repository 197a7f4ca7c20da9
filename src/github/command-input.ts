import type { BuildInputs } from './build-inputs.ts'
import { contradiction, type Inputs, malformed } from './inputs.ts'

/** Inputs of `builder: command`, and of a bake file. */
export interface CommandInputs {
  /** Program and arguments. Never shown: it may hold anything. */
  readonly command?: readonly [string, ...string[]]
  readonly commandIsolation: 'required' | 'none'
  /** Relative to where the command runs. */
  readonly imageRefs?: string
  /** A file of the commit, from its root, and one target of it. */
  readonly bake?: { readonly file: string; readonly target: string }
}

/** What only a shell would understand; a person who writes it expects one. */
const SHELL = /[\\"'`$;&|<>(){}[\]*?~#!]/
const BAKE_TARGET = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/
const BAKE_FILE = /^[^-/\\\s:][^\\\s:]*\.(?:hcl|json)$/

export function readCommand(inputs: Inputs): CommandInputs {
  const argv = argvOf(inputs)
  const imageRefs = inputs.text('image-refs')
  const bake = bakeOf(inputs)
  if (imageRefs !== undefined) checkRelative('image-refs', imageRefs)
  return {
    ...(argv === undefined ? {} : { command: argv }),
    commandIsolation: inputs.choice('command-isolation', ['required', 'none']),
    ...(imageRefs === undefined ? {} : { imageRefs }),
    ...(bake === undefined ? {} : { bake }),
  }
}

/**
 * One line is cut at white space, several lines are one argument each; there is no shell, so what only a shell understands is
 * refused where somebody may have meant it. The text itself is never shown. @throws `entry/input-malformed`
 */
function argvOf(inputs: Inputs): CommandInputs['command'] {
  const lines = inputs.list('command')
  const [first, ...more] = lines.length === 1 ? (lines[0] ?? '').split(/\s+/) : lines
  if (first === undefined) return undefined
  if (lines.length === 1 && SHELL.test(lines[0] ?? ''))
    throw malformed(
      'command',
      'words without quotes, variables and other signs of a shell; one argument a line; or a script of the commit: ./build.sh',
      'signs that only a shell understands: the command is started without one',
    )
  if (/\s/.test(first))
    throw malformed(
      'command',
      'on several lines: the program alone on the first, one argument on each line behind it; or a script of the commit: ./build.sh',
      'white space in the first of several lines',
    )
  if (lines.some(line => line.includes('\0'))) throw malformed('command', 'text', 'a NUL')
  return [first, ...more]
}

function bakeOf(inputs: Inputs): CommandInputs['bake'] {
  const text = inputs.text('bake')
  if (text === undefined) return undefined
  const [given = '', target = '', ...more] = text.split(/\s+/)
  const file = given.replace(/^\.\//, '')
  const inside = !file.split('/').some(part => part === '..' || part === '' || part === '.')
  if (!BAKE_FILE.test(file) || !inside || !BAKE_TARGET.test(target) || more.length > 0)
    throw malformed('bake', 'an .hcl or .json file of the commit and one target: docker-bake.hcl app', text)
  return { file, target }
}

/** @throws `entry/input-contradiction` */
export function checkCommand(read: BuildInputs, builder: BuildInputs['builder'], inputs: Inputs): void {
  const { command, imageRefs, layout, bake } = read
  if (builder === 'command' && command === undefined)
    throw contradiction('The builder command needs a command', 'command: ./build.sh', 'no command')
  if (command !== undefined && builder !== 'command')
    throw contradiction('The input command builds by itself', 'builder: command', `builder: ${builder}`)
  if (builder === 'command' && (imageRefs === undefined) === (layout === undefined))
    throw contradiction(
      'A command writes either a file with the image that it pushed, or an OCI layout',
      'image-refs: images.txt, or layout: <path>',
      imageRefs === undefined ? 'neither' : 'both',
    )
  if (builder === 'command' && layout !== undefined) checkRelative('layout', layout)
  if (builder !== 'command' && imageRefs !== undefined)
    throw contradiction('The input image-refs is what a command writes', 'builder: command', `builder: ${builder}`)
  if (builder !== 'command' && read.commandIsolation !== 'required')
    throw contradiction('The input command-isolation is about a command', 'builder: command', `builder: ${builder}`)
  if (bake !== undefined) checkBake(inputs)
}

/** What a target says is said there alone. Arguments, labels and annotations of the inputs are added to it, and win. */
function checkBake(inputs: Inputs): void {
  const set = [
    ...['file', 'target', 'platforms', 'build-contexts'].filter(name => inputs.text(name) !== undefined),
    ...(inputs.text('context') === '.' ? [] : ['context']),
    ...(inputs.text('network') === 'default' ? [] : ['network']),
  ]
  const first = set[0]
  if (first !== undefined)
    throw contradiction(
      `The target of the bake file says what the input ${first} would say`,
      `no ${first}, or no bake`,
      set.join(', '),
    )
}

function checkRelative(name: string, path: string): void {
  if (/^[-/]|[\\\0]/.test(path) || path.split('/').some(part => part === '..' || part === ''))
    throw malformed(name, 'a relative path without .., from where the command runs', path)
}
