// Where the row of a refresh token is, read from the token as a client holds it: bucket and family stand in it in the clear.

/** Bucket and id, as the statement's parameters; of no row when the client has no token. */
export function parseFamilyId(token: string): [number, string] {
  const bytes = Buffer.from(token, 'base64url')
  if (bytes.length < 20) return [0, '00000000-0000-0000-0000-000000000000']
  const hex = bytes.toString('hex', 4, 20)
  return [bytes.readUInt16BE(2), hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')]
}
