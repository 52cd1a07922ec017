// A device and the person who approves it (RFC 8628 §3): the code is asked for by the device, and entered at the pages.

import { createBrowser } from '../support/browser.ts'
import { person, type TestServer } from '../support/server.ts'
import { publicly, type Requests } from './requests.ts'

export interface DeviceCode {
  deviceCode: string
  userCode: string
}

export const deviceGrantType = 'urn:ietf:params:oauth:grant-type:device_code'

export async function requestDeviceCode(
  requests: Pick<Requests, 'post'>,
  scope = 'openid offline_access'
): Promise<DeviceCode> {
  const answer = await requests.post('/oauth/device', publicly('tv'), { scope })
  if (answer.status !== 200) throw new Error(answer.text)
  return {
    deviceCode: String(answer.body['device_code']),
    userCode: String(answer.body['user_code'])
  }
}

/** Enters the code, signs in and consents. @throws Error with the page at which it did not go on */
export async function approveDevice(
  { issuer }: Pick<TestServer, 'issuer'>,
  userCode: string,
  browser = createBrowser({ origin: issuer })
) {
  let page = await browser.follow(await browser.get('/device'))
  for (let steps = 0; page.forms.some(form => form.method === 'POST') && steps < 6; steps++) {
    const fields = page.forms.flatMap(form => [...form.fields.keys()])
    const typed = fields.includes('password')
      ? person
      : fields.includes('user_code')
        ? { user_code: userCode }
        : {}
    page = await browser.follow(await browser.submitForm(page, typed))
  }
  if (page.status !== 200) throw new Error(`${page.url.pathname}: ${page.status} ${page.heading}`)
  return { browser, page }
}
