import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { jest } from '@jest/globals'
import { writeLayout } from '../fakes/layout.ts'
import { type Listener, type PrivateAuthority, privateAuthority, tlsFront, tunnelProxy } from '../fakes/network.ts'
import { type Inputs, type Scenario, type StepResult, startScenario } from '../fakes/scenario.ts'
import { codeOf } from './aftermath.ts'

jest.setTimeout(60_000)

const INSIDE = 'registry.acme.example'

let scenario: Scenario
let authority: PrivateAuthority
let front: Listener & { readonly certificate: string }
let proxy: Listener
let layout: string

beforeAll(async () => {
  scenario = await startScenario()
  authority = await privateAuthority()
  front = await tlsFront(authority, [INSIDE], scenario.stack.registry.port)
  proxy = await tunnelProxy(target => (target === `${INSIDE}:443` ? front.port : undefined))
  layout = writeLayout(join(scenario.stack.folder, 'layout')).folder
})

afterAll(async () => {
  await proxy.close()
  await front.close()
  await scenario.close()
})

function written(file: string, text: string): string {
  const path = join(scenario.stack.folder, file)
  writeFileSync(path, text)
  return path
}

/** A run that reaches this registry through the proxy and nothing else; everything of the stack is on loopback. */
function publish(inputs: Inputs): Promise<StepResult> {
  const env = { HTTPS_PROXY: `http://127.0.0.1:${proxy.port}`, NO_PROXY: '127.0.0.1,localhost' }
  return scenario.attest({ layout, images: `${INSIDE}/acme/app`, tags: 'v1', ...inputs }, { env })
}

test('a registry behind a proxy, with a certificate of an own authority, is published to and verified', async () => {
  const step = await publish({ 'ca-certificates': written('ca.pem', authority.pem) })
  expect([step.code, codeOf(step)]).toEqual([0, undefined])
  expect(proxy.asked).toContain(`${INSIDE}:443`)
  expect(step.outputs.image).toMatch(/^registry\.acme\.example\/acme\/app@sha256:/)

  const args = JSON.parse(step.outputs['verify-args'] ?? '[]') as string[]
  const gate = await scenario.cli([...args, '--trusted-root', scenario.stack.trustedRootFile], {
    HTTPS_PROXY: `http://127.0.0.1:${proxy.port}`,
    NODE_EXTRA_CA_CERTS: written('ca.pem', authority.pem),
  })
  expect([gate.code, gate.log]).toEqual([0, expect.stringContaining('passed')])
})

test('without its authority the run ends before anything happens, as unknown', async () => {
  const step = await publish({})
  expect([step.code, codeOf(step)]).toEqual([2, 'core/certificate-refused'])
  expect(step.result.stages.find(({ name }) => name === 'preflight')?.state).toBe('unknown')
  expect(step.result.error?.remedy).toContain('ca-certificates')
})

test.each([
  ['no certificate', () => 'not PEM'],
  ['a server’s own certificate', () => front.certificate],
  ['a block that is no certificate', () => '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'],
])('a file with %s is refused by name', async (...[, text]) => {
  const step = await publish({ 'ca-certificates': written('other.pem', text()) })
  expect([step.code, codeOf(step)]).toEqual([3, 'core/authority-unusable'])
})

test('the verify action reaches it as well', async () => {
  const reference = `${INSIDE}/acme/app:v1`
  await publish({ 'ca-certificates': written('ca.pem', authority.pem) })
  const env = { HTTPS_PROXY: `http://127.0.0.1:${proxy.port}`, NO_PROXY: '127.0.0.1,localhost' }
  const [identity, issuer] = [scenario.expected[1], scenario.expected[3]]
  const step = await scenario.verify(
    {
      images: reference,
      'certificate-identity': identity,
      'certificate-oidc-issuer': issuer,
      'trusted-root': scenario.stack.trustedRootFile,
      'ca-certificates': written('ca.pem', authority.pem),
    },
    { env },
  )
  expect([step.code, codeOf(step), step.outputs.verdict]).toEqual([0, undefined, 'passed'])
})
