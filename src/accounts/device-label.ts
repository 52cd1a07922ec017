// What a browser calls itself, in two words that its owner knows: "Chrome on Windows". Owns the small table of browsers and systems. A label
// is for people only and proves nothing: whoever asks chooses this header. So it is read up to a bound, and nothing of its own
// text ever comes out, only names of this table.

/** Names of the table; undefined where the header tells none of them. */
export interface Device {
  browser: string | undefined
  system: string | undefined
}

// In order: most browsers name the ones that they are made of, too. `iPad` asks as a Mac by default: nobody can tell there.
const browsers: readonly (readonly [RegExp, string])[] = [
  [/\bSamsungBrowser\//, 'Samsung Internet'],
  [/\bWhale\//, 'Whale'],
  [/\b(?:Edg|EdgA|EdgiOS|Edge)\//, 'Edge'],
  [/\b(?:OPR|OPT|OPiOS|Opera)\//, 'Opera'],
  [/\bVivaldi\//, 'Vivaldi'],
  [/\bYaBrowser\//, 'Yandex Browser'],
  [/\bUCBrowser\//, 'UC Browser'],
  [/\bDuckDuckGo\//, 'DuckDuckGo'],
  [/\bKAKAOTALK\b/i, 'KakaoTalk'],
  [/\bNAVER\(/, 'NAVER'],
  [/\b(?:FxiOS|Firefox)\//, 'Firefox'],
  [/\b(?:CriOS|HeadlessChrome|Chrome|Chromium)\//, 'Chrome'],
  [/\bVersion\/[\d.]+ .*\bSafari\//, 'Safari']
]

const systems: readonly (readonly [RegExp, string])[] = [
  [/\biPad\b/, 'iPad'],
  [/\b(?:iPhone|iPod)\b/, 'iPhone'],
  [/\bAndroid\b/, 'Android'],
  [/\bCrOS\b/, 'ChromeOS'],
  [/\bWindows\b/, 'Windows'],
  [/\bMac(?:intosh|_| OS X)/, 'macOS'],
  [/\bLinux\b/, 'Linux']
]

/** Longer than any browser's own. */
const longestRead = 512

/** Reads a `User-Agent` header of any size, or none. */
export function deviceOf(userAgent: unknown): Device {
  const text = typeof userAgent === 'string' ? userAgent.slice(0, longestRead) : ''
  const find = (table: typeof browsers) => table.find(([pattern]) => pattern.test(text))?.[1]
  return { browser: find(browsers), system: find(systems) }
}

/** The same as one text, as the audit trail keeps it: `Chrome on Windows`, `Firefox`, `Android`, or `Unknown device`. */
export function deviceLabel(userAgent: unknown): string {
  const { browser, system } = deviceOf(userAgent)
  if (browser !== undefined && system !== undefined) return `${browser} on ${system}`
  return browser ?? system ?? 'Unknown device'
}
