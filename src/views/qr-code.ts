// A QR code as SVG that stands in the page: a light square with its quiet zone, and one path. Owns the drawing; which squares are dark is told.
// Refuses inline style and colours of its own: they are the stylesheet's, and dark on light whatever the page's theme, as cameras want it.

import { html, type Markup } from './markup.ts'

/** Rows of squares, the first on top. */
export interface QrSquares {
  size: number
  dark(x: number, y: number): boolean
}

/** ISO/IEC 18004: four squares of quiet zone. */
const quiet = 4

export function qrCode({ size, dark }: QrSquares, label: string): Markup {
  let path = ''
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      if (!dark(x, y)) continue
      let width = 1
      while (x + width < size && dark(x + width, y)) width++
      path += `M${x + quiet} ${y + quiet}h${width}v1h-${width}z`
      x += width
    }
  }
  const all = size + 2 * quiet
  return html`<svg class="qr" viewBox="0 0 ${all} ${all}" role="img" aria-label="${label}" shape-rendering="crispEdges" focusable="false"><rect class="qr-light" width="${all}" height="${all}"/><path class="qr-dark" d="${path}"/></svg>`
}
