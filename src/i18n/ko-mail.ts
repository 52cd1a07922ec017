// Korean words of mails and of the pages around them, in the register of ko.ts. Particles after a product's name or an address come from
// josa.ts. Owns no choice of language.

import { josa } from './josa.ts'
import type { EventMailWords, MailWords, SelfServiceWords } from './mail-words.ts'

function event(
  subject: (product: string) => string,
  text: (product: string) => string
): EventMailWords {
  return { subject, text }
}

const nothingElse = '직접 요청하지 않았다면 이 메일을 무시해도 됩니다. 변경된 내용은 없습니다.'

export const koMail: MailWords = {
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

export const koSelfService: SelfServiceWords = {
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
