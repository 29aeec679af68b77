import { createTheme, type CSSVariablesResolver, type MantineColorsTuple, Menu } from '@mantine/core'

const tide: MantineColorsTuple = [
  '#e3fbf8', '#c4f1ec', '#9be4dc', '#7bdad0', '#57cabf', '#2fb0a6', '#179a91', '#0d7f78', '#086761', '#04504b',
]
// From text to the darkest ground; the eye of a reader stays used to the film.
const dark: MantineColorsTuple = [
  '#e6eaec', '#c3cbcf', '#aab4ba', '#8f9aa1', '#46525a', '#2d363c', '#20282d', '#161c20', '#10151a', '#0a0e11',
]

export const theme = createTheme({
  primaryColor: 'tide',
  // White on either is above 4.5 : 1.
  primaryShade: { light: 8, dark: 7 },
  colors: { tide, dark },
  defaultRadius: 'sm',
  fontFamily: '"Inter", "Segoe UI", "Helvetica Neue", Arial, "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", sans-serif',
  cursorType: 'pointer',
  respectReducedMotion: true,
  components: {
    // A menu has items only: its first one takes the focus, and no empty part that readers of the screen stumble over.
    Menu: Menu.extend({ defaultProps: { withInitialFocusPlaceholder: false } }),
  },
})

/** Colours that the contrast of WCAG AA asks for, and those of the room itself. */
export const roomColours: CSSVariablesResolver = () => ({
  variables: {},
  light: {
    '--mantine-color-dimmed': '#545f66',
    '--mantine-color-placeholder': '#667178',
    '--mantine-color-teal-light-color': '#05603f',
    '--mantine-color-orange-light-color': '#8a3600',
    '--mantine-color-yellow-light-color': '#6f4400',
    '--mantine-color-red-light-color': '#a31a1a',
    '--mantine-color-blue-light-color': '#0b4f9e',
    '--mantine-color-gray-light-color': '#3c4247',
    '--room-bar': '#f1f4f5',
    '--room-line': '#d5dcdf',
    '--room-link': '#086761',
    '--room-danger': '#a31a1a',
  },
  dark: {
    '--mantine-color-dimmed': '#aab4ba',
    '--mantine-color-placeholder': '#8f9aa1',
    '--room-bar': '#10151a',
    '--room-line': '#2d363c',
    '--room-link': '#7bdad0',
    '--room-danger': '#ff8787',
  },
})
