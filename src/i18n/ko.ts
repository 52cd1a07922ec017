// Korean, in one register: 합니다체 for statements, -하세요 for
// instructions. Names take their particle from josa.ts.

import type { AccountMessages } from './account-messages.ts'
import { josa } from './josa.ts'
import type { EventMailWords, MailWords, SelfServiceWords } from './mail-words.ts'
import type { Messages } from './messages.ts'
import type { UpstreamWords } from './upstream-words.ts'

const relative = new Intl.RelativeTimeFormat('ko', { numeric: 'auto' })
const list = new Intl.ListFormat('ko')
const moment = new Intl.DateTimeFormat('ko', {
  year: 'numeric',
  month: 'long',
  day: 'numeric',
  hour: 'numeric',
  minute: '2-digit',
  timeZoneName: 'short',
  timeZone: 'UTC'
})

const tellDeveloper = '아래 내용을 앱 개발자에게 알려 주세요.'

const accountMoment = new Intl.DateTimeFormat('ko', {
  ...{ year: 'numeric', month: 'long', day: 'numeric', hour: 'numeric', minute: '2-digit' },
  ...{ timeZoneName: 'short', timeZone: 'UTC' }
})

function lengthOf(seconds: number): string {
  return seconds >= 172_800
    ? `${Math.floor(seconds / 86_400)}일`
    : `${Math.max(1, Math.floor(seconds / 3_600))}시간`
}

const koAccount: AccountMessages = {
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
      'sign_in.first_step': '로그인의 첫 단계를 통과하여 두 번째 단계를 요청했습니다',
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
      `모든 곳에서 로그아웃되었습니다. 계정은 ${accountMoment.format(until)}에 삭제됩니다.`,
    requestedKeep: '그때까지 다시 로그인하여 계정을 유지할 수 있습니다.',
    keepTitle: '계정을 유지할까요?',
    keepLead: until =>
      `이 계정의 삭제를 요청하셨습니다. ${accountMoment.format(until)}에 삭제되며, 그때까지는 계정을 유지하는 것만 할 수 있습니다.`,
    keep: '계정 유지',
    leave: '로그아웃'
  }
}

function event(
  subject: (product: string) => string,
  text: (product: string) => string
): EventMailWords {
  return { subject, text }
}

const nothingElse = '직접 요청하지 않았다면 이 메일을 무시해도 됩니다. 변경된 내용은 없습니다.'

const koMail: MailWords = {
  links: {
    sign_up: {
      subject: product => `${product} 계정 만들기`,
      text: product =>
        `${product} 계정을 만들려면 이 링크를 여세요. 24시간 안에 한 번만 사용할 수 있습니다.`,
      ignore: nothingElse
    },
    invitation: {
      subject: product => `${product} 초대`,
      text: product =>
        `${product} 관리자가 회원님을 초대합니다. 계정을 만들려면 이 링크를 여세요. 7일 안에 한 번만 사용할 수 있습니다.`,
      ignore: '무슨 내용인지 모르겠다면 이 메일을 무시해도 됩니다.'
    },
    reset: {
      subject: product => `${product} 비밀번호 재설정`,
      text: product =>
        `${product} 계정의 비밀번호 재설정 요청을 받았습니다. 새 비밀번호를 설정하려면 이 링크를 여세요. 15분 안에 한 번만 사용할 수 있습니다.`,
      ignore: nothingElse
    },
    email: {
      subject: product => `${product} 이메일 주소 확인`,
      text: product =>
        `이 주소가 ${product} 계정의 이메일 주소임을 확인하려면 이 링크를 여세요. 1시간 안에 한 번만 사용할 수 있습니다.`,
      ignore: nothingElse
    }
  },
  events: {
    'sign_up.known': event(
      product => `이미 ${product} 계정이 있습니다`,
      product =>
        `누군가 이 주소로 ${product} 계정을 만들려고 했습니다. 이미 계정이 있으니 로그인하거나, 비밀번호를 잊었다면 새로 설정하세요.`
    ),
    'email.taken': event(
      product => `다른 ${product} 계정에 속한 주소입니다`,
      product =>
        `누군가 이 주소를 다른 ${product} 계정에 사용하려고 했습니다. 회원님의 계정에 속한 주소이므로 변경된 내용은 없습니다.`
    ),
    'sign_in.new_device': event(
      product => `${product} 계정의 새로운 로그인`,
      product => `이전에 사용한 적이 없는 브라우저에서 ${product} 계정이 사용되었습니다.`
    ),
    'device.approved': event(
      product => `${product} 계정에 기기가 연결되었습니다`,
      product =>
        `${product} 계정에서 기기의 코드가 승인되어, 그 기기의 앱이 허용된 항목을 사용할 수 있습니다. 다른 사람이 보낸 코드였다면 앱의 접근 권한을 삭제하세요.`
    ),
    'account.password_changed': event(
      product => `${product} 비밀번호가 변경되었습니다`,
      product => `${product} 계정의 비밀번호가 변경되었습니다.`
    ),
    'account.password_reset': event(
      product => `${product} 비밀번호가 재설정되었습니다`,
      product =>
        `메일의 링크로 ${product} 계정의 새 비밀번호가 설정되었습니다. 모든 곳에서 로그아웃되었습니다.`
    ),
    'account.email_verified': event(
      product => `${product} 이메일 주소가 확인되었습니다`,
      product => `${product} 계정의 이메일 주소가 확인되었습니다. 이 주소로 로그인할 수 있습니다.`
    ),
    'account.email_changed': event(
      product => `${product} 계정의 새 이메일 주소입니다`,
      product =>
        `이제 이 주소가 ${product} 계정의 이메일 주소입니다. 이 주소로 로그인할 수 있으며 메일도 이 주소로 보냅니다.`
    ),
    'account.email_changed.before': event(
      product => `${product} 계정의 이메일 주소가 변경되었습니다`,
      product =>
        `${product} 계정의 이메일 주소가 변경되었습니다. 앞으로는 새 주소로 메일을 보내며 이 주소로는 보내지 않습니다.`
    ),
    'account.deletion_requested': event(
      product => `${product} 계정이 삭제될 예정입니다`,
      product =>
        `${product} 계정의 삭제 요청을 받았습니다. 삭제되기 전에 로그인하면 계정이 유지됩니다.`
    ),
    'account.deletion_cancelled': event(
      product => `${product} 계정 삭제가 취소되었습니다`,
      product => `${product} 계정의 삭제가 취소되어 계정이 유지됩니다.`
    ),
    'account.deleted': event(
      product => `${product} 계정이 삭제되었습니다`,
      product => `${product} 계정과 그에 속한 내용이 삭제되었습니다.`
    ),
    'account.data_downloaded': event(
      product => `${product} 계정의 데이터가 다운로드되었습니다`,
      product => `${product} 계정에 보관된 데이터가 다운로드되었습니다.`
    ),
    'passkey.added': event(
      product => `${product} 계정에 패스키가 추가되었습니다`,
      product => `${product} 계정에 패스키가 추가되었습니다. 패스키가 있으면 로그인할 수 있습니다.`
    ),
    'passkey.removed': event(
      product => `${product} 계정에서 패스키가 삭제되었습니다`,
      product => `${product} 계정의 패스키가 삭제되었습니다.`
    ),
    'totp.enabled': event(
      product => `인증 앱이 ${product} 계정을 보호합니다`,
      product => `이제 ${product} 계정에 로그인할 때 인증 앱의 코드를 입력해야 합니다.`
    ),
    'totp.removed': event(
      product => `${product} 계정에서 인증 앱이 삭제되었습니다`,
      product => `이제 ${product} 계정에 로그인할 때 인증 앱의 코드를 묻지 않습니다.`
    ),
    'recovery_codes.created': event(
      product => `${product} 계정의 새 복구 코드`,
      product =>
        `${product} 계정의 새 복구 코드가 만들어졌습니다. 이전 복구 코드는 더 이상 사용할 수 없습니다.`
    ),
    'recovery_code.used': event(
      product => `${product} 계정의 복구 코드가 사용되었습니다`,
      product => `누군가 복구 코드로 ${product} 계정에 로그인했습니다.`
    ),
    'identity.linked': event(
      product => `${product} 계정이 연결되었습니다`,
      product => `${product} 계정에 외부 로그인이 연결되었습니다.`
    ),
    'identity.unlinked': event(
      product => `${product} 계정의 연결이 해제되었습니다`,
      product => `${product} 계정에서 외부 로그인 연결이 해제되었습니다.`
    )
  },
  facts: {
    account: '계정',
    when: '시각',
    address: '접속 주소',
    name: '이름',
    device: '기기',
    issuer: '연결된 서비스',
    left: '남은 코드'
  },
  ifNotYou: {
    reset: '본인이 아니라면 바로 새 비밀번호를 설정하세요:',
    security: '본인이 아니라면 새 비밀번호를 설정하고 로그인 방법을 확인하세요:',
    ask: '본인이 아니라면 바로 서비스 관리자에게 알리세요. 메일의 링크로는 되돌릴 수 없습니다.'
  },
  footer: product =>
    `${product}에서 보낸 메일입니다. 메일로 비밀번호를 묻는 일은 절대 없습니다. 공식 주소:`
}

const koSelfService: SelfServiceWords = {
  checkMail: '메일을 확인하세요',
  linkDead: '더 이상 사용할 수 없는 링크입니다',
  linkDeadText:
    '이미 사용했거나, 너무 오래되었거나, 더 새로운 링크가 있습니다. 새 링크를 요청하세요.',
  toSignIn: '로그인',
  newPassword: '새 비밀번호',
  passwordAgain: '비밀번호 다시 입력',
  different: '두 비밀번호가 서로 다릅니다. 다시 입력하세요.',
  signUp: {
    ask: '계정이 없으신가요? 계정 만들기',
    title: '계정 만들기',
    lead: product =>
      `먼저 메일을 보내 드립니다. 메일의 링크를 열면 ${product}${josa(product, '로/으로')} 계속합니다.`,
    email: '이메일 주소',
    submit: '링크 받기',
    emailWrong: '올바른 이메일 주소를 입력하세요.',
    sent: email =>
      `${email}${josa(email, '로/으로')} 메일을 보냈습니다. 계속하려면 메일의 링크를 여세요.`,
    sentHint: '잠시 걸릴 수 있습니다. 스팸 메일함도 확인하세요.',
    finishTitle: '계정 만들기',
    finishLead: email => `이메일 주소: ${email}`,
    name: '이름',
    nameHint: '선택 사항입니다. 허용한 앱에 표시됩니다.',
    nameWrong: '이름은 줄바꿈 없이 200자 이하로 입력하세요.',
    finish: '계정 만들기',
    taken: '이 주소의 계정이 이미 있습니다. 로그인하거나 새 비밀번호를 설정하세요.',
    doneTitle: '계정이 준비되었습니다',
    done: '이메일 주소와 비밀번호로 로그인하세요.',
    elsewhere: '다른 기기에서 시작했다면 그 기기로 돌아가 로그인하세요.'
  },
  reset: {
    ask: '비밀번호를 잊으셨나요?',
    title: '새 비밀번호 설정',
    lead: '새 비밀번호를 설정할 수 있는 링크를 보내 드립니다.',
    submit: '링크 받기',
    missing: '이메일 또는 사용자 이름을 입력하세요.',
    sent: name => `${name} 계정이 있으면 재설정 링크를 보냈습니다.`,
    newTitle: '새 비밀번호 선택',
    newLead: login => `계정: ${login}. 모든 곳에서 로그아웃됩니다.`,
    newSubmit: '비밀번호 설정',
    doneTitle: '비밀번호가 설정되었습니다',
    done: '모든 곳에서 로그아웃되었습니다. 새 비밀번호로 로그인하세요.'
  },
  passwordPage: {
    title: '비밀번호 변경',
    current: '현재 비밀번호',
    currentMissing: '현재 비밀번호를 입력하세요.',
    currentWrong: '현재 비밀번호가 올바르지 않습니다.',
    elsewhere: '다른 모든 기기에서 로그아웃하고 앱의 접근 권한 종료',
    submit: '비밀번호 변경',
    section: '비밀번호',
    change: '비밀번호 변경',
    set: '비밀번호 설정'
  },
  emailPage: {
    title: '이메일 주소',
    current: email => `현재 주소: ${email}`,
    verified: '확인된 주소입니다.',
    unverified: '확인되지 않은 주소입니다. 아래에 입력하면 확인 링크를 보내 드립니다.',
    none: '등록된 주소가 없습니다.',
    email: '새 이메일 주소',
    hint: '보내 드린 링크를 열기 전에는 아무것도 변경되지 않습니다.',
    submit: '링크 받기',
    section: '이메일 주소',
    change: '주소 변경',
    sent: email =>
      `${email}${josa(email, '로/으로')} 메일을 보냈습니다. 1시간 안에 메일의 링크를 여세요.`,
    confirmTitle: '주소 확인',
    confirmLead: email => `계정의 주소가 ${email}${josa(email, '로/으로')} 변경됩니다.`,
    confirmAccount: account => `계정: ${account}`,
    confirmSubmit: '확인',
    taken: '다른 계정에서 사용하는 주소입니다. 변경된 내용은 없습니다.',
    doneTitle: '주소가 확인되었습니다',
    done: email => `이제 계정의 주소는 ${email}입니다.`
  },
  outbox: {
    title: '보낼 메일함',
    lead: '개발 모드에는 메일 서버가 없습니다. 다음 메일이 발송되었을 것입니다.',
    none: '아직 없습니다.',
    to: '받는 사람',
    link: '링크 열기'
  }
}

const koUpstream: UpstreamWords = {
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

export const ko: Messages = {
  languageName: '한국어',
  direction: 'ltr',
  common: {
    cancel: '취소',
    errorPrefix: '오류: ',
    problem: '문제가 있습니다',
    language: '언어',
    opensInNewTab: '(새 탭에서 열림)',
    closeWindow: '이 창을 닫아도 됩니다.',
    help: '도움말',
    privacy: '개인정보 처리방침',
    terms: '이용약관',
    report: '이 앱 신고하기',
    conformance: '적합성 시험용 서버입니다. 실제 사용자를 위한 곳이 아니니 로그인하지 마세요.'
  },
  login: {
    title: '로그인',
    continueTo: client => [client.shown, `${josa(client.text, '로/으로')} 계속`],
    toAccount: product => `${product} 계정으로 계속`,
    signedInTitle: '로그인되었습니다',
    identifier: '이메일 또는 사용자 이름',
    password: '비밀번호',
    submit: '로그인',
    identifierMissing: '이메일 또는 사용자 이름을 입력하세요.',
    passwordMissing: '비밀번호를 입력하세요.',
    incorrect: '이메일 또는 비밀번호가 올바르지 않습니다.',
    throttled: seconds =>
      seconds < 60
        ? `시도 횟수가 너무 많습니다. ${Math.max(1, Math.ceil(seconds))}초 후 다시 시도하세요.`
        : `시도 횟수가 너무 많습니다. ${Math.ceil(seconds / 60)}분 후 다시 시도하세요.`,
    busy: '지금 로그인하는 사람이 많습니다. 몇 초 후 다시 시도하세요.'
  },
  mail: koMail,
  selfService: koSelfService,
  account: {
    menu: '내 계정',
    pages: {
      profile: '개인 정보',
      security: '로그인 및 보안',
      sessions: '기기 및 세션',
      apps: '연결된 앱',
      data: '데이터 및 개인정보 보호'
    }
  },
  passkeys: {
    title: '패스키',
    or: '또는',
    signIn: '패스키로 로그인',
    lead: '패스키를 사용하면 지문, 얼굴 또는 화면 잠금으로 로그인할 수 있습니다. 실제 사이트에서만 작동하므로 속아서 넘겨줄 염려가 없습니다.',
    signInTitle: '패스키로 로그인',
    secondTitle: '본인 확인',
    secondLead: '계속하려면 등록한 패스키를 사용하세요.',
    second: '패스키 사용',
    otherWay: '다른 방법 사용',
    needsScript: '패스키를 사용하려면 자바스크립트가 필요하지만, 이 브라우저에서는 꺼져 있습니다.',
    unsupported: '이 브라우저에서는 패스키를 사용할 수 없습니다.',
    problems: {
      failed: '패스키를 사용하지 못했습니다. 다시 시도하거나 다른 방법을 사용하세요.',
      refused: '이 패스키는 사용할 수 없습니다. 다시 시도하거나 다른 방법을 사용하세요.',
      expired: '시간이 너무 오래 걸렸습니다. 다시 시도하세요.',
      notAdded: '패스키를 추가하지 못했습니다. 다시 시도하세요.',
      known: '그곳에는 이미 등록한 패스키가 있습니다.',
      tooMany:
        '계정에 등록할 수 있는 패스키가 모두 찼습니다. 더 이상 사용하지 않는 패스키를 삭제하세요.',
      last: '유일한 로그인 방법이므로 삭제할 수 없습니다. 먼저 다른 패스키나 비밀번호를 추가하세요.'
    },
    noName: longest => `이름을 1~${longest}자의 일반 문자로 입력하세요.`,
    none: '아직 등록한 패스키가 없습니다.',
    add: '패스키 추가',
    manage: '패스키 관리',
    unnamed: '패스키',
    name: '이름',
    rename: '이름 변경',
    renameOf: passkey => [': ', passkey.shown],
    remove: '삭제',
    removeOf: passkey => [': ', passkey.shown],
    created: '추가한 날짜',
    lastUsed: '마지막 사용',
    never: '아직 사용하지 않음',
    place: '사용할 수 있는 곳',
    places: {
      synced: '패스키를 공유하는 내 기기',
      'device-bound': '기기 한 대에서만'
    }
  },
  security: {
    title: '로그인 및 보안'
  },
  factors: {
    title: '코드 입력',
    signingInAs: account => [account.shown, `${josa(account.text, '로/으로')} 로그인하는 중`],
    code: '코드',
    codeHint: '인증 앱에 표시된 6자리 코드를 입력하세요.',
    codeMissing: '코드를 입력하세요.',
    codeWrong: '코드가 올바르지 않거나 이미 사용되었습니다. 다음 코드가 나타나면 다시 시도하세요.',
    throttled: seconds =>
      seconds < 60
        ? `잘못된 코드를 너무 많이 입력했습니다. ${Math.max(1, Math.ceil(seconds))}초 후 다시 시도하거나 다른 방법을 사용하세요.`
        : `잘못된 코드를 너무 많이 입력했습니다. ${Math.ceil(seconds / 60)}분 후 다시 시도하거나 다른 방법을 사용하세요.`,
    recoveryTitle: '복구 코드 사용',
    recoveryCode: '복구 코드',
    recoveryHint: '저장해 둔 코드 10개 중 하나를 입력하세요. 각 코드는 한 번만 사용할 수 있습니다.',
    continue: '계속',
    otherMethods: '다른 방법 사용',
    ways: {
      totp: '인증 앱 코드 사용',
      recovery_code: '복구 코드 사용',
      passkey: '패스키 사용',
      enrol_totp: '인증 앱 설정',
      enrol_passkey: '패스키 추가'
    },
    otherAccount: '다른 계정 사용',
    recoveryUsedTitle: '복구 코드를 확인했습니다',
    recoveryUsed: left =>
      left === 0
        ? '마지막 복구 코드를 사용했습니다. 계정의 ‘로그인 및 보안’ 페이지에서 새 코드를 만드세요.'
        : `복구 코드가 ${left}개 남았습니다. 계정의 ‘로그인 및 보안’ 페이지에서 새 코드를 만들 수 있습니다.`,
    enrolTitle: '인증 앱 설정',
    enrolNeeded: '여기에 로그인하려면 두 번째 인증 단계가 필요합니다. 계속하려면 설정하세요.',
    enrolScan: '인증 앱으로 이 코드를 스캔하세요.',
    qr: '인증 앱용 QR 코드',
    enrolType: '스캔할 수 없으면 앱에 다음 내용을 입력하세요.',
    issuer: '이름',
    accountName: '계정',
    secret: '키',
    kind: '코드 종류',
    kindIs: '6자리, 30초마다 바뀜',
    enrolCode: '그런 다음 앱에 표시된 6자리 코드를 입력하세요.',
    enrol: '확인',
    codesTitle: '복구 코드를 저장하세요',
    codesLead:
      '인증 앱을 잃어버리면 각 코드로 한 번씩 로그인할 수 있습니다. 코드는 지금만 표시됩니다.',
    codesSave: '이 페이지를 인쇄하거나 코드를 안전한 곳에 복사하세요.',
    codesDone: '저장했습니다',
    totpHeading: '인증 앱',
    totpOn: '사용 중: 로그인할 때 앱의 코드를 묻습니다.',
    totpOff: '사용하지 않습니다. 인증 앱을 설정하면 비밀번호만으로는 아무도 로그인할 수 없습니다.',
    totpSetUp: '인증 앱 설정',
    totpReplace: '다른 앱이나 휴대전화로 옮기기',
    totpManage: '변경 또는 삭제',
    totpRemove: '인증 앱 삭제',
    totpRemoveLead: '삭제하면 로그인할 때 앱의 코드를 묻지 않습니다.',
    codesHeading: '복구 코드',
    codesLeft: left => `10개 중 ${left}개가 남았습니다.`,
    codesNone: '남은 코드가 없습니다.',
    codesNoFactor: '인증 앱이나 패스키를 설정하면 복구 코드를 받습니다.',
    codesManage: '새 복구 코드 만들기',
    codesRenew: '새 코드 만들기',
    codesRenewLead: '지금 가지고 있는 코드는 더 이상 사용할 수 없습니다.',
    back: '로그인 및 보안으로 돌아가기',
    approveTooWeak: '이 앱은 두 번째 인증 단계를 거친 로그인이 필요합니다.'
  },
  chooser: {
    title: '계정 선택',
    as: account => [account.shown, `${josa(account.text, '로/으로')} 로그인`],
    inUse: '현재 사용 중',
    another: '다른 계정 사용',
    notYou: '본인이 아닌가요? 계정 전환',
    switching: '계정 전환',
    gone: '그 계정은 이 브라우저에서 더 이상 로그인되어 있지 않습니다. 다른 계정을 선택하거나 다시 로그인하세요.',
    signOutOf: account => [account.shown, ' 로그아웃'],
    signOutOfAll: '이 브라우저의 모든 계정 로그아웃',
    alsoHere: others => ['이 브라우저에 함께 로그인된 계정: ', others.shown],
    stillHere: others => ['이 브라우저에 아직 로그인된 계정: ', others.shown],
    list: names => list.format(names)
  },
  consent: {
    title: '접근 허용',
    wantsAccess: (client, product) => [
      client.shown,
      `${josa(client.text, '이/가')} `,
      product.shown,
      ' 계정에 접근하려고 합니다'
    ],
    signedInAs: account => [account.shown, `${josa(account.text, '로/으로')} 로그인됨`],
    willAllow: client => [client.shown, '에 다음을 허용합니다:'],
    willAlsoAllow: client => ['새로운 권한: ', client.shown, '에 다음을 추가로 허용합니다:'],
    alreadyAllowed: '이미 허용한 권한',
    takenAway: client => [
      client.shown,
      `${josa(client.text, '은/는')} 더 이상 다음을 할 수 없습니다:`
    ],
    replacesBefore: '허용하면 이전에 허용한 권한을 대신합니다.',
    accountGroup: product => `${product} 계정`,
    unverified: '확인되지 않은 앱입니다. 개발자를 알고 신뢰하는 경우에만 계속하세요.',
    unverifiable:
      '사용자의 기기에서 실행되는 앱이므로 누가 만들었는지 확인할 수 없습니다. 직접 시작했고 개발자를 신뢰하는 경우에만 계속하세요.',
    fromHost: host => [
      '확인되지 않은 앱입니다. ',
      host.shown,
      '에서 제공하며 아무도 검토하지 않았습니다. 이 사이트를 알고 직접 시작한 경우에만 계속하세요.'
    ],
    callsItself: claimed => ['앱이 밝힌 이름: “', claimed.shown, '”'],
    onThisDevice:
      '이 기기에서 실행되는 확인되지 않은 앱입니다. 기기의 다른 프로그램이 이 앱인 척할 수 있습니다.',
    appAddress: '앱 주소',
    sentTo: host => [host.shown, `${josa(host.text, '로/으로')} 이동합니다.`],
    optional: '선택',
    required: '필수',
    lasts: '동의 유지 기간',
    untilRemoved: '직접 삭제할 때까지',
    sevenDays: '7일 동안',
    duration: '기간',
    durationSession: '로그아웃할 때까지 허용됩니다.',
    durationOffline: '앱을 사용하지 않을 때도 허용됩니다.',
    website: '웹사이트',
    privacy: '개인정보 처리방침',
    terms: '이용약관',
    allow: '허용',
    cancel: '거부',
    scopes: {
      openid: '신원 확인',
      profile: '이름과 프로필 사진 보기',
      email: '이메일 주소 보기',
      phone: '전화번호 보기',
      address: '우편 주소 보기',
      offline_access: '앱을 사용하지 않을 때도 접근 유지'
    }
  },
  apps: {
    title: '연결된 앱',
    lead: product =>
      `다음 앱에 ${product} 계정 사용을 허용했습니다. 접근 권한을 삭제하면 앱의 모든 기기에서 즉시 끝납니다.`,
    none: '계정에 접근할 수 있는 앱이 없습니다.',
    place: '주소',
    firstAllowed: '처음 허용한 때',
    lastUsed: '마지막 사용',
    ends: '종료 예정',
    details: '세부 사항',
    remove: '접근 권한 삭제',
    removeOf: client => [': ', client.shown],
    removeAll: '모든 앱의 접근 권한 삭제',
    removeAllEnds: '위의 모든 앱이 즉시 접근 권한을 잃고, 다시 허용을 요청해야 합니다.'
  },
  ...koAccount,
  logout: {
    title: product => `${product}에서 로그아웃할까요?`,
    asked: client => [client.shown, `${josa(client.text, '이/가')} 로그아웃을 요청했습니다.`],
    explanation: product =>
      `로그아웃하면 다음에 앱을 사용할 때 ${product}에 다시 로그인해야 합니다.`,
    submit: '로그아웃',
    stay: '취소',
    doneTitle: '로그아웃되었습니다',
    done: product => `이 브라우저에서 ${product} 계정이 로그아웃되었습니다.`,
    doneFrom: client => [client.shown, '에서 요청한 로그아웃입니다.']
  },
  upstream: koUpstream,
  device: {
    title: '기기 연결',
    instruction: '앱 또는 기기에 표시된 코드를 입력하세요.',
    code: '코드',
    hint: '대문자와 소문자를 구분하지 않으며 줄표는 생략할 수 있습니다.',
    submit: '계속',
    problems: {
      not_found: '등록되지 않은 코드입니다. 기기에 표시된 코드를 확인하고 다시 입력하세요.',
      expired: '만료된 코드입니다. 기기에서 다시 시작하여 새 코드를 받으세요.',
      used: '이미 사용한 코드입니다. 기기에서 다시 시작하여 새 코드를 받으세요.',
      no_code: '앱 또는 기기에 표시된 코드를 입력하세요.',
      throttled: '잘못된 코드를 너무 많이 입력했습니다. 1분 후 코드를 다시 입력하세요.',
      failed: '처리하지 못했습니다. 코드를 다시 입력하거나 기기에서 다시 시작하세요.'
    },
    abortedTitle: '기기가 연결되지 않았습니다',
    aborted: '요청을 취소했으므로 아무것도 연결되지 않았습니다.',
    confirmTitle: '기기에 표시된 코드와 일치합니까?',
    confirmWants: client => [
      client.shown,
      `${josa(client.text, '이/가')} 계정에 연결하려고 합니다.`
    ],
    confirmQuestion: '기기에 아래 코드가 똑같이 표시된 경우에만 계속하세요.',
    application: '앱',
    address: '요청한 주소',
    startedAt: '요청한 시간',
    ago: seconds =>
      seconds < 60
        ? relative.format(-Math.max(0, Math.floor(seconds)), 'second')
        : relative.format(-Math.floor(seconds / 60), 'minute'),
    scam: '다른 사람이 보낸 코드라면 사기일 수 있습니다. 진행하지 마세요.',
    scamAdvice: '지금 앞에 있는 기기에서 직접 시작한 경우에만 계속하세요.',
    access: '요청하는 권한:',
    confirm: '계속',
    decline: '취소',
    doneTitle: '연결되었습니다',
    done: client => [
      client.shown,
      `${josa(client.text, '이/가')} 연결되었습니다. 기기로 돌아가세요.`
    ]
  },
  approve: {
    title: '승인 요청',
    asks: client => [client.shown, `${josa(client.text, '이/가')} 승인을 요청합니다`],
    none: '승인을 기다리는 요청이 없습니다.',
    scam: '방금 직접 시작한 요청만 승인하세요. 다른 사람의 안내로 이 페이지에 왔다면 사기일 수 있으므로 거부하세요.',
    compare: '요청을 시작한 곳에 다음과 똑같이 표시되는 경우에만 승인하세요:',
    host: '웹사이트',
    expires: '만료',
    within: seconds =>
      seconds < 60
        ? relative.format(Math.max(1, Math.floor(seconds)), 'second')
        : relative.format(Math.floor(seconds / 60), 'minute'),
    approve: '승인',
    decline: '거부',
    tooOld: '이 앱은 더 최근의 로그인을 요구합니다.',
    signInAgain: '다시 로그인',
    reload: '새 요청 확인',
    answered: {
      approved: '요청을 승인했습니다. 요청을 시작한 곳으로 돌아가세요.',
      declined: '요청을 거부했습니다. 앱에 접근 권한을 주지 않았습니다.',
      over: '이미 처리되었거나 만료되었거나 다른 계정의 요청입니다. 아무것도 변경되지 않았습니다.'
    }
  },
  passwords: {
    label: '새 비밀번호',
    hint: '8자 이상이어야 합니다. 서로 관련 없는 단어 몇 개를 이어 쓰거나 비밀번호 관리자가 만든 것을 사용하세요.',
    levels: [
      '추측하기 매우 쉽습니다',
      '추측하기 쉽습니다',
      '더 강하게 만들 수 있습니다',
      '좋습니다',
      '강합니다'
    ],
    meter: '비밀번호 강도',
    short: '너무 짧습니다',
    problems: {
      password_empty: '새 비밀번호를 입력하세요.',
      password_too_short: '비밀번호가 너무 짧습니다. 8자 이상 입력하세요.',
      password_too_long: '비밀번호가 너무 깁니다. 1,024자 이하로 입력하세요.',
      password_malformed:
        '비밀번호에 텍스트가 아닌 것이 들어 있습니다. 다른 비밀번호를 입력하세요.',
      password_common: '누구나 먼저 시도해 보는 비밀번호입니다. 다른 비밀번호를 선택하세요.',
      password_guessable:
        '내 이름이나 주소, 또는 이 사이트의 이름입니다. 다른 비밀번호를 선택하세요.',
      password_weak:
        '몇 글자가 되풀이되는 비밀번호입니다. 더 길게 만들거나 서로 관련 없는 단어를 이어 쓰세요.',
      password_breached:
        '다른 사이트에서 유출된 적이 있는 비밀번호입니다. 다른 곳에서 쓰지 않는 비밀번호를 선택하세요.',
      busy: '지금 처리할 일이 많습니다. 몇 초 후 다시 시도하세요.'
    }
  },
  error: {
    title: '계속할 수 없습니다',
    reasons: {
      other: {
        reason: '앱이 보낸 요청을 처리할 수 없습니다.',
        next: `앱으로 돌아가 다시 시작하세요. 같은 문제가 계속되면 ${tellDeveloper}`
      },
      interaction_expired: {
        title: '만료된 페이지입니다',
        reason: '로그인 시간이 지났거나, 이미 끝났거나, 다른 브라우저에서 시작했습니다.',
        next: '앱으로 돌아가 다시 시작하세요.'
      },
      form_expired: {
        title: '다시 시도하세요',
        reason: '저희가 보여 드린 페이지에서 보낸 양식이 아니므로 처리하지 않았습니다.',
        next: '페이지를 다시 열고 한 번 더 입력하세요.'
      },
      invalid_form: {
        reason: '양식의 형식이 올바르지 않아 처리하지 않았습니다.',
        next: '뒤로 돌아가 페이지를 새로 고친 다음 한 번 더 입력하세요.'
      },
      not_found: {
        title: '페이지가 없습니다',
        reason: '주소가 잘못되었거나 페이지가 이동되었습니다.',
        next: '주소를 확인하거나 앱으로 돌아가 다시 시작하세요.'
      },
      access_denied: {
        reason: '접근이 거부되었습니다.',
        next: '앱으로 돌아가세요. 예상하지 못한 결과라면 계정 관리자에게 문의하세요.'
      },
      invalid_client: {
        reason: '등록되지 않았거나 사용이 중지된 앱입니다.',
        next: tellDeveloper
      },
      unauthorized_client: {
        reason: '이 방식으로 로그인을 요청할 수 없는 앱입니다.',
        next: tellDeveloper
      },
      invalid_redirect_uri: {
        reason: '앱이 등록되지 않은 주소로 이동하도록 요청했습니다.',
        next: `안전을 위해 여기에서 중단했습니다. ${tellDeveloper}`
      },
      invalid_scope: {
        reason: '앱이 요청할 수 없는 권한을 요청했습니다.',
        next: tellDeveloper
      },
      too_many_requests: {
        title: '요청이 너무 많습니다',
        reason: '지금은 처리할 수 있는 것보다 많은 요청이 들어오고 있습니다.',
        next: '1분 정도 기다린 후 이 페이지를 다시 불러오세요.'
      },
      temporarily_unavailable: {
        title: '잠시 후 다시 시도하세요',
        reason: '서비스 일부에 일시적으로 연결할 수 없습니다. 데이터는 안전합니다.',
        next: '몇 초 후 이 페이지를 다시 여세요.'
      },
      server_error: {
        title: '서비스에 문제가 있습니다',
        reason: '저희 쪽에서 발생한 오류입니다. 데이터는 안전합니다.',
        next: '다시 시도하세요. 같은 문제가 계속되면 아래 요청 번호를 알려 주세요.'
      }
    },
    details: '문의할 때 필요한 정보',
    code: '오류',
    description: '설명',
    status: '상태',
    requestId: '요청 번호',
    time: '시간',
    tryAgain: '페이지 다시 열기'
  },
  dateTime: date => moment.format(date)
}
