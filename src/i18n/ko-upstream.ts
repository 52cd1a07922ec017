// Korean words of signing in with other providers, in the register of ko.ts. Names of providers take their particle from josa.ts.
// Nothing of what a provider wrote stands in any.

import { josa } from './josa.ts'
import type { UpstreamWords } from './upstream-words.ts'

export const koUpstream: UpstreamWords = {
  continueWith: provider => [provider.shown, `${josa(provider.text, '로/으로')} 계속하기`],
  titles: {
    unsolicited: '로그인 과정이 끝났습니다',
    declined: '로그인하지 않았습니다',
    unavailable: '이 로그인 방법이 응답하지 않습니다',
    not_trusted: '로그인하지 못했습니다',
    account_disabled: '사용할 수 없는 계정입니다',
    no_account: '아직 계정이 없습니다',
    account_exists: '이미 계정이 있습니다',
    address_not_admitted: '이 주소로는 계정을 만들 수 없습니다'
  },
  problems: {
    unsolicited: provider => [
      provider.shown,
      ' 로그인이 너무 오래 걸렸거나 이미 끝났거나 다른 브라우저에서 시작되었습니다. 다시 시작하세요.'
    ],
    declined: provider => [provider.shown, '에서 돌아왔으므로 로그인하지 않았습니다.'],
    unavailable: provider => [
      '지금은 ',
      provider.shown,
      '에 연결할 수 없습니다. 나중에 다시 시도하거나 다른 방법으로 로그인하세요.'
    ],
    not_trusted: provider => [
      provider.shown,
      '에서 온 응답으로는 본인임을 확인할 수 없어 로그인하지 않았습니다.'
    ],
    account_disabled: provider => [
      '이 ',
      provider.shown,
      ' 계정에 연결된 계정이 사용 중지되었습니다. 서비스 운영자에게 문의하세요.'
    ],
    no_account: provider => [
      '이 ',
      provider.shown,
      ' 계정은 여기 계정에 연결되어 있지 않으며, 이 방법으로는 새 계정을 만들지 않습니다.'
    ],
    account_exists: provider => [
      '이 ',
      provider.shown,
      ' 계정의 이메일 주소를 쓰는 계정이 이미 있지만 서로 연결되어 있지 않습니다.'
    ],
    address_not_admitted: provider => [
      provider.shown,
      `${josa(provider.text, '로/으로')} 새 계정을 만들려면 정해진 도메인의 확인된 이메일 주소가 필요합니다.`
    ]
  },
  unknownProvider: '여기에서 제공하지 않는 로그인 방법입니다.',
  otherWays: '다른 방법으로 로그인',
  linkHint: '여기에 계정이 있으면 평소처럼 로그인하세요. 그다음 두 계정을 연결할 수 있습니다.',
  signInAndLink: '로그인하고 연결하기',
  title: '연결된 계정',
  lead: '다른 곳의 계정으로 여기에 로그인할 수 있습니다.',
  none: '연결된 계정이 없습니다.',
  manage: '계정 연결 또는 연결 해제',
  label: '계정 이름',
  linkedAt: '연결한 때',
  usedAt: '마지막 사용',
  link: provider => [provider.shown, ' 계정 연결'],
  unlink: '연결 해제',
  unlinkOf: provider => [': ', provider.shown, ' 계정'],
  confirmTitle: '이 계정을 연결할까요?',
  confirm: (provider, account) => [
    '아래 ',
    provider.shown,
    ' 계정으로 로그인하면 여기에서는 ',
    account.shown,
    ' 계정으로 로그인됩니다.'
  ],
  confirmWarning: '본인의 계정일 때만 연결하세요.',
  confirmSubmit: '연결',
  confirmDecline: '연결하지 않기',
  done: {
    linked: '계정이 연결되었습니다. 이제 그 계정으로 로그인할 수 있습니다.',
    unlinked: '계정 연결이 해제되었습니다.',
    declined: '아무것도 연결하지 않았습니다.'
  },
  failures: {
    gone: '너무 오래 걸렸거나 이미 처리되었습니다. 다시 시작하세요.',
    taken: '이 계정은 이미 다른 계정에 연결되어 있습니다.',
    last: '이 계정에 로그인할 수 있는 유일한 방법입니다. 먼저 비밀번호를 설정하거나 다른 계정을 연결하세요.'
  }
}
