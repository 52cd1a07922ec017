// Korean words of the account's own pages: profile, sessions and devices, security events, data and deletion.
// 합니다체 for statements, -하세요 for instructions, as in ko.ts.

import type { AccountMessages } from './account-messages.ts'

const moment = new Intl.DateTimeFormat('ko', {
  ...{ year: 'numeric', month: 'long', day: 'numeric', hour: 'numeric', minute: '2-digit' },
  ...{ timeZoneName: 'short', timeZone: 'UTC' }
})

function lengthOf(seconds: number): string {
  return seconds >= 172_800
    ? `${Math.floor(seconds / 86_400)}일`
    : `${Math.max(1, Math.floor(seconds / 3_600))}시간`
}

export const koAccount: AccountMessages = {
  profile: {
    title: '개인 정보',
    lead: '프로필을 볼 수 있는 앱은 다음 요청부터 여기에 적힌 내용을 받습니다.',
    saved: '변경 내용을 저장했습니다.',
    name: '이름',
    nickname: '별명',
    optional: '비워 둘 수 있습니다.',
    locale: '언어',
    zoneinfo: '시간대',
    unsaid: '밝히지 않음',
    submit: '저장',
    problems: {
      name: '이름을 줄바꿈 없이 200자 이내로 입력하세요.',
      nickname: '별명을 줄바꿈 없이 200자 이내로 입력하세요.',
      locale: '목록에서 언어를 선택하세요.',
      zoneinfo: '목록에서 시간대를 선택하세요.'
    },
    signIn: '로그인 정보',
    login: '사용자 이름',
    email: '이메일',
    verified: '확인됨',
    unverified: '확인되지 않음',
    open: '내 계정 열기'
  },
  sessions: {
    title: '기기 및 세션',
    lead: '이 브라우저들이 계정에 로그인되어 있습니다. 모르는 기기가 있으면 로그아웃하고 비밀번호를 변경하세요.',
    offline:
      '로그아웃하면 앱이 그 로그인으로 받은 접근 권한이 즉시 끝납니다. 앱을 사용하지 않을 때도 접근하도록 허용한 앱은 ‘연결된 앱’에서 삭제하거나 모든 곳에서 로그아웃할 때까지 접근 권한을 유지합니다.',
    appsLink: '연결된 앱',
    thisDevice: '현재 기기',
    unknownDevice: '알 수 없는 기기',
    device: (browser, system) => [system.shown, '의 ', browser.shown],
    signedIn: '로그인한 때',
    signedInFrom: '로그인한 주소',
    lastSeen: '마지막 활동',
    address: '주소',
    apps: '사용한 앱',
    end: '로그아웃',
    endOf: device => [': ', device.shown],
    others: '다른 모든 기기에서 로그아웃',
    othersEnd: '현재 기기에서는 로그인이 유지됩니다.',
    everywhere: '모든 곳에서 로그아웃',
    everywhereEnds:
      '현재 기기도 로그아웃됩니다. 계속 접근하도록 허용한 앱을 포함해 모든 앱의 접근 권한이 끝납니다.',
    ended: '그 기기에서 로그아웃했습니다.',
    endedOthers: '다른 모든 기기에서 로그아웃했습니다.',
    over: '그 기기는 이미 로그아웃되어 있었습니다. 아무것도 바뀌지 않았습니다.',
    doneTitle: '모든 곳에서 로그아웃했습니다',
    done: product =>
      `모든 기기가 ${product}에서 로그아웃되었고, 접근할 수 있는 앱이 더 이상 없습니다.`,
    signInAgain: '다시 로그인'
  },
  events: {
    title: '보안 기록',
    lead: '최근 30일 동안 계정에 있었던 일입니다. 본인이 한 일이 아니면 비밀번호를 변경하고 다른 모든 기기에서 로그아웃하세요.',
    none: '최근 30일 동안 아무 일도 없었습니다.',
    all: '보안 기록 모두 보기',
    older: '이전 기록 보기',
    back: '로그인 및 보안으로 돌아가기',
    app: '앱',
    address: '주소',
    device: '기기',
    name: '이름',
    provider: '제공자',
    types: {
      'sign_in.succeeded': '로그인했습니다',
      'sign_in.refused': '로그인에 실패했습니다',
      'sign_in.new_device': '새 기기에서 로그인했습니다',
      'second_factor.refused': '로그인의 두 번째 단계에 실패했습니다',
      sign_out: '로그아웃했습니다',
      'session.ended': '기기 한 대에서 로그아웃했습니다',
      'sessions.ended': '다른 기기에서 로그아웃했습니다',
      'consent.granted': '앱의 접근을 허용했습니다',
      'consent.declined': '앱의 요청을 거부했습니다',
      'consent.withdrawn': '앱의 접근 권한을 삭제했습니다',
      'managed_grant.revoked': '앱의 권한이 끝났습니다',
      'refresh.reuse_detected': '복사된 앱 로그인을 차단했습니다',
      'device.approved': '기기를 연결했습니다',
      'device.declined': '기기 연결을 거부했습니다',
      'backchannel.approved': '앱의 승인 요청을 승인했습니다',
      'backchannel.declined': '앱의 승인 요청을 거부했습니다',
      'account.created': '계정을 만들었습니다',
      'account.updated': '개인 정보를 변경했습니다',
      'account.disabled': '계정이 비활성화되었습니다',
      'account.enabled': '계정이 다시 활성화되었습니다',
      'account.password_changed': '비밀번호를 변경했습니다',
      'account.password_reset': '비밀번호를 재설정했습니다',
      'account.email_verified': '이메일 주소를 확인했습니다',
      'account.email_changed': '이메일 주소를 변경했습니다',
      'account.deletion_requested': '계정 삭제를 요청했습니다',
      'account.deletion_cancelled': '계정을 유지했습니다',
      'account.data_downloaded': '데이터를 내려받았습니다',
      'passkey.added': '패스키를 추가했습니다',
      'passkey.renamed': '패스키 이름을 변경했습니다',
      'passkey.removed': '패스키를 삭제했습니다',
      'totp.enabled': '인증 앱을 추가했습니다',
      'totp.removed': '인증 앱을 삭제했습니다',
      'recovery_codes.created': '새 복구 코드를 만들었습니다',
      'recovery_code.used': '복구 코드를 사용했습니다',
      'identity.linked': '다른 제공자의 로그인을 연결했습니다',
      'identity.unlinked': '다른 제공자의 로그인 연결을 해제했습니다'
    }
  },
  data: {
    title: '데이터 및 개인정보 보호',
    copyTitle: '내 데이터 내려받기',
    copy: '프로필, 기기, 허용한 앱, 계정의 보안 기록이 담긴 파일(JSON) 하나입니다. 비밀번호와 계정을 열 수 있는 정보는 들어 있지 않습니다.',
    download: '내려받기',
    deleteTitle: '계정 삭제',
    deleteLead: '이 계정으로 로그인하는 모든 앱을 사용할 수 없게 됩니다.',
    deleteLink: '계정 삭제로 이동',
    grace: seconds =>
      `${lengthOf(seconds)} 안에는 로그인하여 계정을 유지할 수 있습니다. 그 후에는 되돌릴 수 없습니다.`,
    ends: '모든 기기가 로그아웃되고 모든 앱의 접근 권한이 즉시 끝납니다.',
    keeps:
      '보안 기록은 더 이상 누구의 것도 아닌 번호로 얼마 동안 보관됩니다. 앱이 직접 저장한 정보는 앱에 남아 있으므로 해당 앱에 삭제를 요청하세요.',
    word: '삭제',
    typeWord: '확인을 위해 ‘삭제’를 입력하세요',
    wrongWord: '확인을 위해 ‘삭제’를 정확히 입력하세요.',
    deleteSubmit: '계정을 삭제합니다',
    requestedTitle: '계정이 삭제될 예정입니다',
    requested: until =>
      `모든 곳에서 로그아웃되었습니다. 계정은 ${moment.format(until)}에 삭제됩니다.`,
    requestedKeep: '그때까지 다시 로그인하여 계정을 유지할 수 있습니다.',
    keepTitle: '계정을 유지할까요?',
    keepLead: until =>
      `이 계정의 삭제를 요청하셨습니다. ${moment.format(until)}에 삭제되며, 그때까지는 계정을 유지하는 것만 할 수 있습니다.`,
    keep: '계정 유지',
    leave: '로그아웃'
  }
}
