import type { Json } from '../core/json.ts'
import { arrayAt, objectAt, optional, stringAt } from '../core/shape.ts'
import type { AccountRecord, AccountsPort } from '../pipeline/signers-github.ts'
import { type GithubApi, type Question, shaped } from './api.ts'
import { booleanAt, nullable, simpleUserAt } from './wire.ts'

/**
 * Accounts with the keys they sign with: `GET /users/{login}`, its `gpg_keys` and `ssh_signing_keys`; members of
 * organisations and teams.
 * @param serverUrl `https://github.com`: there every account has an address of its own that nobody else can use.
 */
export function githubAccounts(api: GithubApi, serverUrl: string): AccountsPort {
  return {
    account: login => readAccount(api, login, serverUrl),
    members: async (org, team) => {
      const of = team === undefined ? org : `${org}/${team}`
      const question: Question = { of: `the members of ${of}`, permission: 'members: read of the organisation' }
      const part = team === undefined ? '' : `/teams/${encodeURIComponent(team)}`
      const items = await api.list(`/orgs/${encodeURIComponent(org)}${part}/members`, question)
      return shaped(question, () => items.map((item, at) => simpleUserAt(item, `members[${at}]`).login))
    },
  }
}

async function readAccount(api: GithubApi, name: string, serverUrl: string): Promise<AccountRecord> {
  const question: Question = { of: `the user ${name}`, permission: 'to see this user, if there is one' }
  const path = `/users/${encodeURIComponent(name)}`
  const [user, gpg, ssh] = await Promise.all([
    api.get(path, question),
    api.list(`${path}/gpg_keys`, question),
    api.list(`${path}/ssh_signing_keys`, question),
  ])
  return shaped(question, () => {
    const { id, login } = simpleUserAt(objectAt(user, 'user'), 'user')
    const shown = nullable(objectAt(user, 'user').email, stringAt, 'user.email')
    const noreply = serverUrl === 'https://github.com' ? [`${id}+${login}@users.noreply.github.com`] : []
    const verified = gpg.flatMap((key, at) => verifiedEmails(key, `gpg_keys[${at}]`))
    return {
      id,
      login,
      emails: [...new Set([...(shown === undefined || shown === '' ? [] : [shown]), ...verified, ...noreply])],
      openpgp: gpg.map((key, at) => gpgKeyAt(key, `gpg_keys[${at}]`)),
      ssh: ssh.map((key, at) => stringAt(objectAt(key, `keys[${at}]`).key, `keys[${at}].key`)),
    }
  })
}

/** Addresses in a key that the platform has sent a mail to. */
function verifiedEmails(value: Json, path: string): readonly string[] {
  const emails = optional(objectAt(value, path).emails, arrayAt, `${path}.emails`) ?? []
  return emails.flatMap((item, at) => {
    const email = objectAt(item, `${path}.emails[${at}]`)
    return email.verified === true ? [stringAt(email.email, `${path}.emails[${at}].email`)] : []
  })
}

function gpgKeyAt(value: Json, path: string): AccountRecord['openpgp'][number] {
  const key = objectAt(value, path)
  const armor = nullable(key.raw_key, stringAt, `${path}.raw_key`)
  return {
    keyId: stringAt(key.key_id, `${path}.key_id`),
    revoked: booleanAt(key.revoked, `${path}.revoked`),
    ...(armor === undefined || armor === '' ? {} : { armor }),
  }
}
