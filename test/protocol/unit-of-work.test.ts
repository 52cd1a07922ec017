// The unit of work, as its requests show it: what is gathered is sent in the order in which it was gathered.

import t from 'tap'
import { startTestServer } from '../support/server.ts'
import { approveDevice, deviceGrantType, requestDeviceCode } from './device-approval.ts'
import { createRequests, publicly } from './requests.ts'

t.test(
  'a device that is approved within one request is approved (that a person is at it must not undo it)',
  async t => {
    const main = await startTestServer(t)
    const requests = createRequests(main)
    // the first time there are a sign-in and a consent in between; afterwards one request notes the person and approves
    for (const time of ['first', 'second', 'third']) {
      const { deviceCode, userCode } = await requestDeviceCode(requests)
      await approveDevice(main, userCode, requests.ada)
      const answer = await requests.token(publicly('tv'), {
        grant_type: deviceGrantType,
        device_code: deviceCode
      })
      t.match(answer, { status: 200, body: { access_token: String } }, time)
    }
  }
)
