// A sentence in which a name stands out, in parts: the language decides where it stands, the view how it looks.
// Refuses markup.

/** A name inside a sentence: `text` decides particles (Korean), `shown` is what stands there. */
export interface Term<T> {
  text: string
  shown: T
}

/** A sentence in parts; plain strings still have to be escaped. */
export type Sentence<T> = readonly (string | T)[]
