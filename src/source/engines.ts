/** Version of the library that checks OpenPGP signatures, loaded only where one was checked. `6.3.1` */
export async function openpgpVersion(): Promise<string> {
  const { config } = await import('openpgp')
  return config.versionString.replace(/^OpenPGP\.js /, '')
}
