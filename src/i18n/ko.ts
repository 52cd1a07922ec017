// Korean, in one register: 합니다체 for statements, -하세요 for
// instructions. Names take their particle from josa.ts.

import { josa } from './josa.ts'
import { koAccount } from './ko-account.ts'
import { koMail, koSelfService } from './ko-mail.ts'
import { koUpstream } from './ko-upstream.ts'
import type { Messages } from './messages.ts'

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
