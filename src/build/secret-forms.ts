/** One form that its issuer gives to secrets. Every pattern is bounded or cannot be tried twice on the same text: time is linear. */
export interface SecretForm {
  /** As a sentence names it: `a GitHub token`. */
  readonly name: string
  readonly pattern: RegExp
  /** What else must hold of the text found; harmless words may begin alike. */
  readonly holds?: (found: string) => boolean
}

/** Letters of both cases and digits: names written by people rarely have all three. */
export function isMixed(text: string): boolean {
  return /[0-9]/.test(text) && /[a-z]/.test(text) && /[A-Z]/.test(text)
}

/** Begins at the begin of a word. */
const at = (source: string, flags = ''): RegExp => new RegExp(`(?<![A-Za-z0-9])(?:${source})`, flags)
/** A whole word. */
const word = (source: string, flags = ''): RegExp => new RegExp(`(?<![A-Za-z0-9])(?:${source})(?![A-Za-z0-9])`, flags)

/** Ordered: the first that is found gives the name. Sources: the issuers' own pages on the form of their tokens. */
export const SECRET_FORMS: readonly SecretForm[] = [
  { name: 'a private key', pattern: /-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY/ },
  { name: 'a private key', pattern: at('PuTTY-User-Key-File-[0-9]:') },
  { name: 'a private key', pattern: at('AGE-(?:SECRET-KEY|PLUGIN-[A-Z0-9-]{1,40})-?1[02-9AC-HJ-NP-Z]{50,}', 'i') },
  { name: 'a GitHub token', pattern: at('gh[a-z]_[A-Za-z0-9_.-]{20,}') },
  { name: 'a GitHub fine-grained token', pattern: /github_pat_[A-Za-z0-9_]{20,}/ },
  { name: 'a GitLab token', pattern: at('gl(?:pat|ptt|dt|rt|rtr|cbt|ft|agent|oas|imt|soat|ffct)-[A-Za-z0-9_.-]{20,}') },
  { name: 'a GitLab token', pattern: at('GR1348941[A-Za-z0-9_-]{20}') },
  { name: 'an AWS access key id', pattern: word('(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}') },
  {
    name: 'an AWS secret key',
    pattern: /secret_?(?:access_?)?key["']?\s{0,4}[:=]\s{0,4}["']?[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+])/i,
  },
  { name: 'a cloud access key', pattern: word('LTAI[A-Za-z0-9]{20}|AKID[A-Za-z0-9]{32}'), holds: isMixed },
  { name: 'an Azure key', pattern: /(?:AccountKey|SharedAccessKey)=[A-Za-z0-9+/]{43,86}=/i },
  { name: 'an Azure signature', pattern: /[?&;]sig=[A-Za-z0-9%+/_-]{40,}/ },
  { name: 'an Azure client secret', pattern: /(?<![\w~.-])[\w~.-]{3}[0-9]Q~[\w~.-]{31,34}(?![\w~.-])/ },
  { name: 'an Azure token', pattern: word('[A-Za-z0-9]{76}AZDO[A-Za-z0-9]{4}') },
  { name: 'a Google API key', pattern: at('AIza[A-Za-z0-9_-]{35}') },
  { name: 'a Google secret', pattern: at('GOCSPX-[A-Za-z0-9_-]{28}|ya29\\.[A-Za-z0-9_-]{20,}|1//0[A-Za-z0-9_-]{30,}') },
  { name: 'an npm token', pattern: at('npm_[A-Za-z0-9]{30,}') },
  { name: 'an npm login', pattern: /_auth(?:Token)?\s{0,4}=\s{0,4}[A-Za-z0-9+/_-]{20,}/ },
  { name: 'a PyPI token', pattern: at('pypi-AgE[A-Za-z0-9_-]{20,}') },
  { name: 'a NuGet key', pattern: word('oy2[a-z0-9]{43}') },
  { name: 'a RubyGems key', pattern: word('rubygems_[0-9a-f]{48}') },
  { name: 'a crates.io token', pattern: word('cio[A-Za-z0-9]{32}'), holds: isMixed },
  { name: 'an Artifactory token', pattern: word('AKCp[A-Za-z0-9]{69}|cmVmdGtu[A-Za-z0-9]{56}') },
  { name: 'a Docker token', pattern: at('dckr_(?:pat|oat)_[A-Za-z0-9_-]{20,}') },
  { name: 'a Slack token', pattern: at('(?:xox[a-z]|xapp)[-.][A-Za-z0-9-]{10,}'), holds: text => /[0-9]/.test(text) },
  {
    name: 'a Slack webhook',
    pattern: /hooks\.slack\.com\/(?:services|workflows|triggers)\/[A-Z0-9]{8,}\/[A-Za-z0-9/]{20,}/,
  },
  { name: 'a Discord webhook', pattern: /discord(?:app)?\.com\/api\/webhooks\/[0-9]{17,20}\/[A-Za-z0-9_-]{60,}/ },
  { name: 'a Discord token', pattern: word('[MNO][\\w-]{23,27}\\.[\\w-]{6}\\.[\\w-]{27,40}'), holds: isMixed },
  { name: 'a Telegram token', pattern: word('[0-9]{8,10}:AA[A-Za-z0-9_-]{33}') },
  { name: 'a payment service key', pattern: at('[sr]k_(?:live|test)_[A-Za-z0-9]{16,}|whsec_[A-Za-z0-9+/]{32,}') },
  { name: 'a payment service key', pattern: word('sq0[a-z]{3}-[A-Za-z0-9_-]{22,43}|shp(?:at|ca|pa|ss)_[0-9a-f]{32}') },
  { name: 'a Twilio key', pattern: word('SK[0-9a-f]{32}') },
  {
    name: 'a mail service key',
    pattern: at('SG\\.[A-Za-z0-9_-]{22}\\.[A-Za-z0-9_-]{43}|key-[0-9a-f]{32}|[0-9a-f]{32}-us[0-9]{1,2}'),
  },
  { name: 'a DigitalOcean token', pattern: word('do[opr]_v1_[a-f0-9]{64}') },
  { name: 'a Heroku key', pattern: at('HRKU-[A-Za-z0-9_-]{36,}') },
  {
    name: 'a HashiCorp token',
    pattern: at('hv[sbr]\\.[A-Za-z0-9_-]{24,}|[A-Za-z0-9]{14}\\.atlasv1\\.[A-Za-z0-9_=-]{60,}'),
  },
  { name: 'an Atlassian token', pattern: at('AT[AC]TT3[A-Za-z0-9_=-]{100,}|ATBB[A-Za-z0-9]{32}') },
  {
    name: 'a key of a model service',
    pattern: at('sk-[A-Za-z0-9_-]{20,}'),
    holds: text => isMixed(text) || /^sk-[0-9a-f]{32}$/.test(text),
  },
  {
    name: 'a key of a model service',
    pattern: word('hf_[A-Za-z0-9]{34}|r8_[A-Za-z0-9]{37}|gsk_[A-Za-z0-9]{52}|xai-[A-Za-z0-9]{80}|pplx-[A-Za-z0-9]{48}'),
  },
  {
    name: 'a token of a platform',
    pattern: word(
      'dapi[0-9a-f]{32}(?:-[0-9])?|pul-[0-9a-f]{40}|nfp_[A-Za-z0-9]{36}|sbp_[0-9a-f]{40}|bkua_[0-9a-f]{40}|sq[pau]_[0-9a-f]{40}|figd_[A-Za-z0-9_-]{40}|ntn_[A-Za-z0-9]{46}|pat[A-Za-z0-9]{14}\\.[0-9a-f]{64}',
    ),
  },
  {
    name: 'a token of a platform',
    pattern: at(
      'dp\\.(?:pt|st|ct|sa|scim|audit)\\.(?:[a-z0-9_-]{2,35}\\.)?[A-Za-z0-9]{40,44}|lin_(?:api|oauth)_[A-Za-z0-9]{32,}|pscale_(?:tkn|oauth|pw)_[A-Za-z0-9_=.-]{32,}|tskey-[a-z]{3,12}-[A-Za-z0-9]{8,}-[A-Za-z0-9]{16,}|PMAK-[0-9a-f]{24}-[0-9a-f]{34}|CCIPAT_[A-Za-z0-9]{20,}_[0-9a-f]{40}|ops_eyJ[A-Za-z0-9_=-]{60,}|v1\\.0-[0-9a-f]{24}-[0-9a-f]{140,}',
    ),
  },
  {
    name: 'a monitoring key',
    pattern: word(
      'glsa_[A-Za-z0-9]{32}_[0-9a-f]{8}|NRAK-[A-Z0-9]{27}|NRII-[A-Za-z0-9_-]{32}|[0-9a-f]{32,36}(?:FFFF)?NRAL|dt0[a-z][0-9]{2}\\.[A-Z0-9]{24}\\.[A-Z0-9]{64}',
    ),
  },
  { name: 'a monitoring key', pattern: at('glc_eyJ[A-Za-z0-9+/=]{32,}|sntr[yu]s_[A-Za-z0-9+/=_-]{40,}') },
  { name: 'a JSON web token', pattern: /(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*/ },
  { name: 'a bearer token', pattern: /\bBearer\s[A-Za-z0-9._~+/-]{20,}/i, holds: text => isMixed(text.slice(7)) },
  { name: 'a login', pattern: /\bBasic\s[A-Za-z0-9+/]{8,}={0,2}/i, holds: isLogin },
  {
    name: 'a password in a URL',
    // Not the digest of an image, whose tag stands where a password would.
    pattern: /:\/\/[^\s/:@?#$]{0,256}:[^\s/@?#${}<>*]{1,256}@(?!sha(?:256|512):)/,
  },
  { name: 'a password', pattern: /;\s?(?:password|pwd)=[^;\s${}<>*]{6,}/i },
]

/** `user:password` in base64; “Basic authentication” is two words. */
function isLogin(found: string): boolean {
  const text = Buffer.from(found.slice('Basic '.length), 'base64').toString('latin1')
  return /^[\x21-\x7e]{1,256}:[\x20-\x7e]{1,512}$/.test(text)
}
