import { Kbd, Modal, Table } from '@mantine/core'

import { useWords } from '../../words/language'
import type { Key } from '../../words/table'

const KEYS: [string, Key][] = [
  ['W', 'view.key-window'],
  ['P', 'view.pan'],
  ['Z', 'view.zoom'],
  ['R', 'view.ruler'],
  ['M', 'view.lens'],
  ['I', 'view.invert'],
  ['+  −', 'view.zoom-in'],
  ['0', 'view.fit'],
  ['1', 'view.one-to-one'],
  ['S', 'view.reset'],
  ['X', 'view.clear-rulers'],
  ['O', 'layer.zones'],
  ['L', 'layer.lungs'],
  ['B', 'layer.regions'],
  ['← ↑ ↓ →', 'view.key-arrows'],
]

export function KeysHelp({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  const { t } = useWords()
  return (
    <Modal opened={opened} onClose={onClose} title={t('view.keys-title')} closeButtonProps={{ 'aria-label': t('do.close') }}>
      <Table>
        <Table.Tbody>
          {KEYS.map(([key, words]) => (
            <Table.Tr key={key}>
              <Table.Td><Kbd>{key}</Kbd></Table.Td>
              <Table.Td>{t(words)}</Table.Td>
            </Table.Tr>
          ))}
          <Table.Tr><Table.Td>{t('view.key-wheel')}</Table.Td><Table.Td>{t('view.key-wheel-does')}</Table.Td></Table.Tr>
          <Table.Tr><Table.Td>{t('view.key-middle')}</Table.Td><Table.Td>{t('view.pan')}</Table.Td></Table.Tr>
        </Table.Tbody>
      </Table>
    </Modal>
  )
}
