// The most common passwords of eight characters and more, in lower case; shorter ones are refused by length, runs by rule. Words that
// stand with and without digits behind them are listed once: the policy strips the tail. The file beside this one has the 3,000 most
// frequent ones (OWASP ASVS v5.0.0 §6.2.4) of the list of zxcvbn-ts (MIT), which counted them in published thefts.

import { readFileSync } from 'node:fs'

const listed = `
password passw0rd p@ssword p@ssw0rd pa$$word pa55word password password passwort passwords mypassword thepassword newpassword
password1234567890 letmein letmeinnow welcome welcometo changeme changeit changeme123 iloveyou iloveyou2 iloveu ilovegod
princess sunshine football baseball basketball softball superman batman spiderman starwars trustno1 whatever computer internet
michelle jennifer jessica charlie danielle christian elizabeth samantha victoria alexander alexandra benjamin nicholas patricia
jonathan stephanie christopher butterfly chocolate strawberry liverpool arsenal chelsea barcelona realmadrid manchester
cowboys steelers yankees redskins lakers dolphins mercedes porsche corvette ferrari mustang harley
administrator adminadmin admin administrador superuser rootroot rootpassword toor testtest testing test guest guestguest
default secret secretsecret topsecret private security secure access master mastermaster login loginlogin
qwertyui qwertyuiop qwertyuio qwerty qwertyqwerty qwerty12345 qwerty123456 asdfghjk asdfghjkl asdfasdf zxcvbnm zxcvbnmz zxcvbnm,
qazwsxedc qazwsx qazxswedc 1qaz2wsx 1qaz2wsx3edc 1q2w3e4r 1q2w3e4r5t 1q2w3e4r5t6y q1w2e3r4 q1w2e3r4t5 q1w2e3r4t5y6 zaq12wsx
zaq1zaq1 1qazxsw2 !qaz2wsx azerty azertyuiop qwertz qwertzuiop yxcvbnm asdf1234 1234qwer 123qweasd 123qweasdzxc qwer1234 qweasdzxc
abcd1234 a1b2c3d4 abc12345 abcdefg1 aa123456 aa12345678 a123456789 a12345678 q123456789 qq123456 qq123456789 woaini woaini1314
1234567890 0123456789 123456789 12345678 87654321 987654321 0987654321 9876543210 1234567891 12345678910 123456789a 123456789q
11111111 111111111 1111111111 00000000 000000000 0000000000 22222222 55555555 66666666 77777777 88888888 888888888 99999999
12341234 12344321 11223344 1122334455 112233445566 123123123 123321123 12121212 123454321 147258369 159753456 159357456 741852963
789456123 789456123 456789123 147852369 963852741 321654987 123654789 741852963 25802580 10203040 1020304050 11112222 12312312
13131313 69696969 12345679 31415926 3141592653 19841984 20002000 20202020 01012011 01010101 qwe123456 zxc123456 asd123456
pokemon pikachu naruto minecraft fortnite playstation nintendo warcraft runescape counterstrike letmein
google google12 facebook youtube linkedin microsoft windows samsung android iphone apple amazon
dragon dragonball monkey shadow hunter killer freedom forever america england australia germany
summer winter spring autumn january february september october november december monday friday sunday
jordan jordan23 michael michael1 daniel thomas robert matthew joshua andrew anthony ashley amanda nicole hannah
babygirl babyboy sweetheart lovelove lovely loveme loveyou iloveme flower angel angels heaven jesuschrist blessed
correcthorsebatterystaple correct horse battery staple
helloworld hello hellohello goodluck goodmorning happyday nothing something anything everything dontknow idontknow
비밀번호 사랑해 안녕하세요 qlalfqjsgh tkfkdgo dkssudgktpdy dkssud rlatkddnr ehfaod
`

const words = (text: string) => text.normalize('NFKC').toLowerCase().trim().split(/\s+/)

/** Words that are tried first, alone and with a tail: what the browser's meter knows, too. */
export const firstWords: ReadonlySet<string> = new Set(words(listed))

/** Folded as the policy folds: compatibility form, lower case. */
export const commonPasswords: ReadonlySet<string> = new Set([
  ...firstWords,
  ...words(readFileSync(new URL('common-passwords.txt', import.meta.url), 'utf8'))
])
