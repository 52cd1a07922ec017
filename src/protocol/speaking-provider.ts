// The engine as we build it: what it tells clients by way of the browser goes through our hands first, so that each refusal comes with a
// sentence that helps (response.ts).

import { Provider } from 'oidc-provider'
import { completeRedirect } from './response.ts'

type ResponseMode = Parameters<Provider['registerResponseMode']>[1]

/** The engine registers its own response modes by this method, too: each gets to see a refusal with a sentence that helps. */
export class SpeakingProvider extends Provider {
  override registerResponseMode(name: string, mode: ResponseMode): void {
    super.registerResponseMode(name, (ctx, redirectUri, payload) =>
      mode.call(this, ctx, redirectUri, completeRedirect(payload))
    )
  }
}
