import { isNamespace } from '../../cluster/kubeconfig.ts'
import { LIMITS } from '../../core/limits.ts'
import { maybe } from '../../core/maybe.ts'
import { SERVE_ANNOTATION } from '../../subjects/annotations.ts'
import { checkKeyPlace } from '../named-secret.ts'
import { type ServeWish, serve } from '../serve.ts'
import { type CommandLine, command, noMore, usage } from './command.ts'

const OPTIONS = {
  namespace: { type: 'string', short: 'n' },
  listen: { type: 'string' },
  audience: { type: 'string', multiple: true },
  key: { type: 'string' },
  'key-password': { type: 'string' },
  'identity-token-file': { type: 'string' },
  'signing-config': { type: 'string' },
  'trusted-root': { type: 'string' },
  kubeconfig: { type: 'string' },
  context: { type: 'string' },
} as const

type ServeLine = CommandLine<typeof OPTIONS & { json: { type: 'boolean' } }>

const LISTEN = '127.0.0.1:8080'

export const serveCommand = command({
  words: 'serve',
  synopsis:
    'serve --audience HOST (--key FILE|env:NAME | --identity-token-file FILE) [--namespace NS] [--listen HOST:PORT]',
  usage: `waybill serve – tells whoever asks, signed, what one namespace of a cluster runs

  waybill serve --audience HOST (--key FILE|env:NAME | --identity-token-file FILE)

Answers GET /.well-known/waybill.json with the images of the namespace by the digests that run, for waybill verify url.
The namespace must want it: kubectl annotate namespace NAME ${SERVE_ANNOTATION}=true
/healthz says that the process runs, /readyz that it has something to tell. Ends on SIGTERM.

  --audience HOST[:PORT]              whom documents are made for, as in the URL that people ask (may be repeated);
                                        requests for any other host are refused
  -n, --namespace NS                  default: that of the service account, or of the kubeconfig's context
  --listen HOST:PORT                  default: ${LISTEN}

Who signs (exactly one):
  --key FILE|env:NAME                 a private key in PEM; --key-password env:NAME
  --identity-token-file FILE          a token of the service account with audience sigstore, read anew for each document
  --signing-config FILE               Sigstore services of your own; with a key: services that shall see the signatures
                                        (default with a token: the public instance, with a key: none)
  --trusted-root FILE                 by which these services are believed

Which cluster:
  --kubeconfig FILE, --context NAME   default: KUBECONFIG, ~/.kube/config, the service account of a pod

  --json                              why it could not start, as JSON on stdout

Example:
  waybill serve --audience app.example.com --key /keys/serve.pem --listen 0.0.0.0:8080
`,
  options: OPTIONS,
  read: readServe,
  run: (wish, desk) => serve(wish, desk),
})

/** As in a URL: lower case, no port 443, which nobody writes. */
const AUDIENCE = /^(?:[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\])(?::[1-9][0-9]{0,4})?$/

/** @throws `entry/usage` */
function readServe({ values, references }: ServeLine): ServeWish {
  noMore(references, 'serve')
  const { namespace, key, 'key-password': password, 'identity-token-file': identityTokenFile } = values
  if (namespace !== undefined && !isNamespace(namespace))
    throw usage('That is not the name of a namespace', 'at most 63 lower-case letters, digits and dashes', namespace)
  if ((key === undefined) === (identityTokenFile === undefined))
    throw usage(
      'A document has one signer',
      '--key FILE|env:NAME, or --identity-token-file FILE',
      key === undefined ? 'nobody' : 'both',
    )
  if (password !== undefined && key === undefined)
    throw usage('Only a key has a password', '--key with --key-password', 'no --key')
  const place = key === undefined ? undefined : { key, ...maybe('password', password) }
  if (place !== undefined) checkKeyPlace(place)
  return {
    ...maybe('namespace', namespace),
    listen: addressOf(values.listen ?? LISTEN),
    audiences: audiencesOf(values.audience ?? []),
    ...maybe('key', place),
    ...maybe('identityTokenFile', identityTokenFile),
    ...maybe('signingConfig', values['signing-config']),
    ...maybe('trustedRoot', values['trusted-root']),
    ...maybe('kubeconfig', values.kubeconfig),
    ...maybe('context', values.context),
  }
}

/** What a request says of its host is never signed, so without a name there is nothing to sign. */
function audiencesOf(given: readonly string[]): ServeWish['audiences'] {
  const bad = given.find(item => !AUDIENCE.test(item) || item.endsWith(':443'))
  if (bad !== undefined)
    throw usage('That is not the host of a URL', 'app.example.com, or with a port other than 443', bad)
  const [first, ...more] = new Set(given)
  if (first === undefined) throw usage('Nothing says for which host documents are made', '--audience HOST', 'none')
  if (more.length >= LIMITS.serveAudiences)
    throw usage('Those are too many hosts', `at most ${LIMITS.serveAudiences}`, String(more.length + 1))
  return [first, ...more]
}

function addressOf(text: string): ServeWish['listen'] {
  const [, name = '', port = ''] = /^(\[[0-9a-fA-F:]+\]|[a-zA-Z0-9.-]+):([0-9]{1,5})$/.exec(text) ?? []
  if (name === '' || Number(port) > 65_535) throw usage('That is no address to listen on', `HOST:PORT, ${LISTEN}`, text)
  return { host: name.replace(/^\[|\]$/g, ''), port: Number(port) }
}
