// The places that read a JWT at backchannel authentication (OpenID Connect CIBA Core §7.1, §7.1.1): a signed request, which is good once, and the
// hint of who is meant.

import { randomUUID } from 'node:crypto'
import { endpoints } from '../../src/protocol/configuration.ts'
import { basic as clientBasic, type Requests } from '../protocol/requests.ts'
import { person } from '../support/server.ts'
import { basic } from './endpoints.ts'
import { type OwnKey, ours, requestOf } from './jwt-kinds.ts'
import { isOk, type Place, post, refusedWith } from './jwt-place.ts'
import { callback } from './jwt-setting.ts'

const { backchannel_authentication: endpoint } = endpoints

export async function backchannelPlaces(
  requests: Pick<Requests, 'tokens'>,
  setting: {
    issuer: string
    keys: Parameters<typeof ours>[1]
    own: OwnKey
    forEncryption: OwnKey
  }
): Promise<Place[]> {
  const { issuer, own, forEncryption } = setting
  const asking = { client_id: 'teller', scope: 'openid', login_hint: person.login }
  const asked = requestOf(asking, issuer, own, forEncryption)
  const cashier = { clientId: 'cashier', redirectUri: callback, caller: clientBasic('cashier') }
  const { id_token } = await requests.tokens({ app: cashier })
  return [
    {
      ...{ name: 'request object at backchannel authentication', accepted: isOk, thin: true },
      kind: {
        ...asked,
        claims: () => {
          const claims = asked.claims()
          return { ...claims, nbf: claims['iat'], jti: randomUUID() }
        }
      },
      wire: jwt => post(endpoint, { request: jwt }, basic('teller')),
      refused: refusedWith('invalid_request_object', 'invalid_request')
    },
    {
      ...{ name: 'id_token_hint at backchannel authentication', accepted: isOk, thin: true },
      kind: ours(id_token, setting.keys),
      wire: jwt => post(endpoint, { scope: 'openid', id_token_hint: jwt }, basic('cashier')),
      refused: refusedWith('invalid_request', 'unknown_user_id'),
      except: { 'exp long ago': 'a hint may have expired (CIBA Core §7.1)' }
    }
  ]
}
