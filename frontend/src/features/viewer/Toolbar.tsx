import { ActionIcon, Divider, Group, Tooltip } from '@mantine/core'
import {
  IconAdjustments, IconAspectRatio, IconContrastFilled, IconHandMove, IconKeyboard, IconMaximize, IconRestore, IconRulerMeasure,
  IconTrash, IconZoomIn, IconZoomOut, IconZoomPan, IconZoomScan,
} from '@tabler/icons-react'
import type { ReactNode } from 'react'

import type { Key } from '../../words/table'
import { useWords } from '../../words/language'
import type { Tool } from './layers'

export interface Acts {
  zoom: (factor: number) => void
  fit: () => void
  oneToOne: () => void
  invert: () => void
  reset: () => void
  clearRulers: () => void
  showKeys: () => void
}

const TOOLS: [Tool, Key, string, ReactNode][] = [
  ['window', 'view.window', 'W', <IconAdjustments key="w" size={20} />],
  ['pan', 'view.pan', 'P', <IconHandMove key="p" size={20} />],
  ['zoom', 'view.zoom', 'Z', <IconZoomPan key="z" size={20} />],
  ['ruler', 'view.ruler', 'R', <IconRulerMeasure key="r" size={20} />],
  ['lens', 'view.lens', 'M', <IconZoomScan key="m" size={20} />],
]

interface Asked {
  tool: Tool
  onTool: (tool: Tool) => void
  inverted: boolean
  rulers: number
  acts: Acts
  children: ReactNode
}

export function Toolbar({ tool, onTool, inverted, rulers, acts, children }: Asked) {
  const { t } = useWords()
  return (
    <Group className="film-toolbar" role="toolbar" aria-label={t('view.toolbar')} gap={4} wrap="wrap">
      {TOOLS.map(([name, words, key, icon]) => (
        <Button key={name} words={words} letter={key} pressed={tool === name} onClick={() => onTool(name)}>
          {icon}
        </Button>
      ))}
      <Divider orientation="vertical" />
      <Button words="view.zoom-in" letter="+" onClick={() => acts.zoom(1.25)}><IconZoomIn size={20} /></Button>
      <Button words="view.zoom-out" letter="−" onClick={() => acts.zoom(0.8)}><IconZoomOut size={20} /></Button>
      <Button words="view.fit" letter="0" onClick={acts.fit}><IconMaximize size={20} /></Button>
      <Button words="view.one-to-one" letter="1" onClick={acts.oneToOne}><IconAspectRatio size={20} /></Button>
      <Button words="view.invert" letter="I" pressed={inverted} onClick={acts.invert}><IconContrastFilled size={20} /></Button>
      <Button words="view.reset" letter="S" onClick={acts.reset}><IconRestore size={20} /></Button>
      {/* Always there: a button that came with the first ruler would wrap the bar and move the film under it. */}
      <Button words="view.clear-rulers" letter="X" disabled={rulers === 0} onClick={acts.clearRulers}><IconTrash size={20} /></Button>
      <Divider orientation="vertical" />
      {children}
      <Button words="view.keys" letter="?" onClick={acts.showKeys}><IconKeyboard size={20} /></Button>
    </Group>
  )
}

interface ButtonAsked {
  words: Key
  letter: string
  pressed?: boolean
  disabled?: boolean
  onClick: () => void
  children: ReactNode
}

function Button({ words, letter, pressed, disabled = false, onClick, children }: ButtonAsked) {
  const { t } = useWords()
  return (
    <Tooltip position="bottom" label={`${t(words)} (${letter})`}>
      <ActionIcon
        size="lg"
        variant={pressed ? 'filled' : 'subtle'}
        aria-label={t(words)}
        aria-keyshortcuts={letter}
        disabled={disabled}
        {...(pressed === undefined ? {} : { 'aria-pressed': pressed })}
        onClick={onClick}
      >
        {children}
      </ActionIcon>
    </Tooltip>
  )
}
