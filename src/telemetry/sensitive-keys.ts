// Which field names stand for something secret, whatever their spelling: `access_token`, `accessToken`, `X-Api-Key`.
// A name that only speaks about a secret (`token_expires_at`, `credentialId`) is harmless.

const SECRET_WORDS = new Set(
  (
    'token tokens secret secrets password passwords passwd pwd passphrase ' +
    'jwt bearer authorization cookie cookies credential credentials ciphertext ciphertexts verifier'
  ).split(' '),
);

/** Words that make a `key` secret: `api_key`, `wrappedKey`; a `unique_key` stays visible. */
const SECRET_KEY = /(?:api|access|private|secret|wrapped|signing|encryption|master|data|session)keys?$/;

/** Spellings without any boundary between words. */
const SECRET_ENDING = /(?:token|secret|password|passphrase|authorization|cookie|credentials|ciphertext)s?$/;

const HARMLESS_LAST_WORDS = new Set(
  (
    'id ids kind type name count length size state status version ' +
    'scope scopes at ms in expiry expires file path bucket days seconds'
  ).split(' '),
);

function wordsOf(name: string): string[] {
  return name
    .replace(/([a-z\d])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z\d]+/)
    .filter((word) => word !== '');
}

/** True when the value under this name must not be seen. */
export function isSensitiveKey(name: string): boolean {
  const words = wordsOf(name);
  if (HARMLESS_LAST_WORDS.has(words.at(-1) ?? '')) return false;
  const joined = words.join('');
  return words.some((word) => SECRET_WORDS.has(word)) || SECRET_KEY.test(joined) || SECRET_ENDING.test(joined);
}
