// A password as Keycloak exports it: a credential with two JSON texts in it. Owns turning that into the spelling of the hash's own kind;
// what it costs and whether it is known is judged there (imported-hash.ts, phc.ts).

type Members = Record<string, unknown>

function membersOf(value: unknown): Members {
  if (typeof value === 'string') {
    try {
      return membersOf(JSON.parse(value))
    } catch {
      return {}
    }
  }
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Members)
    : {}
}

/** Keycloak writes every further parameter as a list of one text. */
function parameter(parameters: Members, name: string): string {
  const value = parameters[name]
  return String(Array.isArray(value) ? value[0] : value)
}

const unpadded = (text: unknown) => String(text).replace(/=+$/, '')

/** Undefined: no credential with a password. */
export function keycloakHash(credential: unknown): string | undefined {
  const { type, secretData, credentialData } = membersOf(credential)
  const { value, salt } = membersOf(secretData)
  const { algorithm, hashIterations, additionalParameters } = membersOf(credentialData)
  if (type !== 'password' || typeof value !== 'string' || typeof salt !== 'string') return undefined
  const end = `${unpadded(salt)}$${unpadded(value)}`
  if (algorithm === 'argon2') {
    const given = membersOf(additionalParameters)
    if (parameter(given, 'type') !== 'id' || parameter(given, 'version') !== '1.3') return undefined
    const [m, p] = [parameter(given, 'memory'), parameter(given, 'parallelism')]
    return `$argon2id$v=19$m=${m},t=${hashIterations},p=${p}$${end}`
  }
  if (typeof algorithm !== 'string' || !/^pbkdf2(?:-sha(?:256|512))?$/.test(algorithm)) {
    return undefined
  }
  return `$${algorithm}$${hashIterations}$${end}`
}
