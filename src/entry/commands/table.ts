import { printable } from '../../core/text.ts'
import { attestFileCommand } from './attest-file.ts'
import { type Command, usage, type Wish } from './command.ts'
import { deployCommand } from './deploy.ts'
import { materialsLockCommand } from './materials-lock.ts'
import { materialsPrintCommand } from './materials-print.ts'
import { materialsVerifyCommand } from './materials-verify.ts'
import { policyCheckCommand } from './policy-check.ts'
import { policyGenerateCommand } from './policy-generate.ts'
import { policyInitCommand } from './policy-init.ts'
import { quarantineAddCommand } from './quarantine-add.ts'
import { quarantineListCommand } from './quarantine-list.ts'
import { quarantineReleaseCommand } from './quarantine-release.ts'
import { reviewSignCommand } from './review-sign.ts'
import { serveCommand } from './serve.ts'
import { signersImportCommand } from './signers-import.ts'
import { sourceCheckCommand } from './source-check.ts'
import { verifyBundleCommand } from './verify-bundle.ts'
import { verifyClusterCommand } from './verify-cluster.ts'
import { verifyComposeCommand } from './verify-compose.ts'
import { verifyFileCommand } from './verify-file.ts'
import { verifyImageCommand } from './verify-image.ts'
import { verifyManifestCommand } from './verify-manifest.ts'
import { verifyUrlCommand } from './verify-url.ts'

/** Every command, in the order of `waybill --help`. */
export const COMMANDS: readonly Command[] = [
  sourceCheckCommand,
  reviewSignCommand,
  signersImportCommand,
  policyInitCommand,
  policyCheckCommand,
  policyGenerateCommand,
  materialsPrintCommand,
  materialsVerifyCommand,
  materialsLockCommand,
  verifyImageCommand,
  attestFileCommand,
  verifyFileCommand,
  verifyManifestCommand,
  verifyComposeCommand,
  verifyUrlCommand,
  verifyClusterCommand,
  verifyBundleCommand,
  deployCommand,
  quarantineListCommand,
  quarantineAddCommand,
  quarantineReleaseCommand,
  serveCommand,
]

/** Commands of later versions, refused by name. */
const LATER = ['attest', 'inspect']

export type Call = { readonly kind: 'help'; readonly of?: Command } | { readonly kind: 'version' } | Run

export interface Run {
  readonly kind: 'run'
  readonly command: Command
  readonly act: Exclude<Wish, 'help'>
}

/**
 * Finds the command by its words, which come first, and lets it read the rest.
 * @throws `entry/usage` for anything that is not a command, and what the command itself refuses.
 */
export function readCall(args: readonly string[]): Call {
  const [verb = '--help'] = args
  if (verb === '--help' || verb === '-h') return { kind: 'help' }
  if (verb === '--version') return { kind: 'version' }
  const command = COMMANDS.find(({ words }) => args.slice(0, words.split(' ').length).join(' ') === words)
  if (command === undefined) {
    if (args.includes('--help') || args.includes('-h')) return { kind: 'help' }
    throw unknownCommand(args)
  }
  const act = command.prepare(args.slice(command.words.split(' ').length))
  return act === 'help' ? { kind: 'help', of: command } : { kind: 'run', command, act }
}

function unknownCommand(args: readonly string[]): Error {
  const [verb = '', what = ''] = args
  const near = COMMANDS.filter(({ words }) => words.startsWith(`${verb} `))
  const expected = (near.length > 0 ? near : COMMANDS).map(({ words }) => `waybill ${words}`).join(', ')
  if (verb.startsWith('-')) return usage('The command comes first, its options after it', expected, verb)
  // What stands behind the verb may be a reference or a path: only a word is part of the command's name.
  const word = /^[a-z-]*[a-z]$/.test(what) && !what.startsWith('-') ? what : ''
  const words = printable(`${verb} ${word}`.trim(), 80)
  const known = LATER.includes(verb) || (word !== '' && COMMANDS.some(command => command.words.startsWith(`${verb} `)))
  const sentence = known ? `waybill ${words} is not served by this version` : `There is no command ${words}`
  return usage(sentence, expected, words)
}
