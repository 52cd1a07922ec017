// The languages that pages speak: a file for each, imported and named here; the first is the default. Nothing else has to know of a new
// one: the menu, `ui_locales_supported` and the tests walk this list, and a file that lacks a sentence does not compile (docs/languages.md).

import { en } from './en.ts'
import { ko } from './ko.ts'
import type { Messages } from './messages.ts'

export const languages = { en, ko } satisfies Record<string, Messages>
