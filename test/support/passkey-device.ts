// A device that keeps passkeys, for a real browser: the virtual authenticator of its debugging protocol (Web Authentication Level 3 §11).

import type { CDPSession, Page } from 'playwright-core'

/** A device with a screen lock that its owner opens by itself, while `present`. */
export async function addAuthenticator(page: Page) {
  const session: CDPSession = await page.context().newCDPSession(page)
  await session.send('WebAuthn.enable', { enableUI: false })
  const { authenticatorId } = await session.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      ctap2Version: 'ctap2_1',
      transport: 'internal',
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
      defaultBackupEligibility: true,
      defaultBackupState: true
    }
  })
  return {
    setPresent: (present: 'yes' | 'no') =>
      session.send('WebAuthn.setAutomaticPresenceSimulation', {
        authenticatorId,
        enabled: present === 'yes'
      }),
    setVerified: (verified: 'yes' | 'no') =>
      session.send('WebAuthn.setUserVerified', {
        authenticatorId,
        isUserVerified: verified === 'yes'
      }),
    async count() {
      const { credentials } = await session.send('WebAuthn.getCredentials', { authenticatorId })
      return credentials.length
    }
  }
}
