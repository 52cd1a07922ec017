// The product's own colour and corners as a second, generated stylesheet: CSP allows no inline style. Owns the arithmetic that keeps the
// colour legible (WCAG 2.2, 1.4.3 and 1.4.11), whatever an operator chooses. Refuses anything but a hex colour and a number, so that no
// CSS can come in by it.

type Rgb = readonly [number, number, number]

const ours: Rgb = [0x0b, 0x6b, 0x57]
const cards = { light: [255, 255, 255], dark: [0x17, 0x1e, 0x1b] } as const satisfies Record<
  string,
  Rgb
>
const white: Rgb = [255, 255, 255]
const black: Rgb = [0, 0, 0]

/** In pixels: of a field or a button; of a card 1.6 times as much. */
const ourRadius = 10
const largestRadius = 24

export interface Look {
  colour?: string | undefined
  radius?: number | undefined
}

/** The custom properties of one product, for light and dark; what is unreadable or missing is ours. */
export function renderTheme({ colour, radius }: Look): string {
  const brand = parseColour(colour) ?? ours
  const light = visibleOn(cards.light, brand, black)
  const dark = visibleOn(cards.dark, brand, white)
  return `:root {
  --radius: ${corners(radius) / 16}rem;
  --brand: ${hex(light)};
  --brand-line: ${hex(light)};
  --on-brand: ${hex(readableOn(light))};
}

@supports (color: light-dark(#000, #fff)) {
  :root {
    --brand: light-dark(${hex(light)}, ${hex(dark)});
    --brand-line: light-dark(${hex(light)}, ${hex(dark)});
    --on-brand: light-dark(${hex(readableOn(light))}, ${hex(readableOn(dark))});
  }
}
`
}

function corners(radius: number | undefined): number {
  return radius !== undefined && radius >= 0 && radius <= largestRadius ? radius : ourRadius
}

/** Contrast of two colours, 1 to 21 (WCAG 2.2, "contrast ratio"). */
export function contrast(a: Rgb, b: Rgb): number {
  const [dim, bright] = [luminance(a), luminance(b)].sort((x, y) => x - y) as [number, number]
  return (bright + 0.05) / (dim + 0.05)
}

/** `#rgb` or `#rrggbb`. */
export function parseColour(text: string | undefined): Rgb | undefined {
  const digits = text?.match(/^#([0-9a-f]{3}|[0-9a-f]{6})$/i)?.[1]
  if (digits === undefined) return undefined
  const size = digits.length / 3
  const part = (i: number) =>
    Number.parseInt(digits.slice(i * size, i * size + size).repeat(3 - size), 16)
  return [part(0), part(1), part(2)]
}

// "a contrast ratio of at least 3:1 against adjacent color(s)" for what shows where a control is (WCAG 2.2, 1.4.11): mixed with black or
// white, a twentieth at a time, until it is reached.
function visibleOn(card: Rgb, colour: Rgb, towards: Rgb): Rgb {
  for (let share = 0; share < 1; share += 0.05) {
    const mixed = mix(colour, towards, share)
    if (contrast(mixed, card) >= 3.2) return mixed
  }
  return towards
}

function readableOn(colour: Rgb): Rgb {
  return contrast(colour, white) >= contrast(colour, black) ? white : black
}

function mix(a: Rgb, b: Rgb, share: number): Rgb {
  const part = (i: 0 | 1 | 2) => Math.round(a[i] + (b[i] - a[i]) * share)
  return [part(0), part(1), part(2)]
}

function luminance(colour: Rgb): number {
  const [r, g, b] = colour.map(value => {
    const c = value / 255
    return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4
  }) as [number, number, number]
  return 0.2126 * r + 0.7152 * g + 0.0722 * b
}

function hex(colour: Rgb): string {
  return `#${colour.map(value => value.toString(16).padStart(2, '0')).join('')}`
}
