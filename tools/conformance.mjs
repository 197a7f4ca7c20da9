#!/usr/bin/env node
/**
 * The entry point of the public Sigstore conformance suite (sigstore/sigstore-conformance, docs/cli_protocol.md): its words are
 * `verify-bundle` and `sign-bundle`, ours `waybill verify bundle`. The options are the same. There is no `sign-bundle`: Waybill signs
 * nothing but attestations that it made itself, and no bytes that somebody hands to it.
 *
 *     pytest test --entrypoint=<this file>            WAYBILL_CLI: another program to run than dist/cli.js
 */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'

const [verb, ...rest] = process.argv.slice(2)
if (verb !== 'verify-bundle') {
  console.error(`${verb ?? 'nothing'} is not served: this client verifies bundles`)
  process.exit(3)
}
const cli = process.env.WAYBILL_CLI ?? join(import.meta.dirname, '../dist/cli.js')
const { status } = spawnSync(process.execPath, [cli, 'verify', 'bundle', ...rest], { stdio: 'inherit' })
process.exit(status ?? 2)
