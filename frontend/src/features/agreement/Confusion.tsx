import { Text } from '@mantine/core'

import type { Pair } from '../../api/shapes'
import { useWords } from '../../words/language'
import { WORDS, type Key } from '../../words/table'

/** How often `a` said this where `b` said that; the shade follows the count. */
export function Confusion({ pair, a, b }: { pair: Pair; a: string; b: string }) {
  const { t } = useWords()
  const most = Math.max(1, ...pair.confusion.flat())
  const words = (name: string) => (`stage.${name}` in WORDS ? t(`stage.${name}` as Key) : name)
  return (
    <table className="confusion">
      <caption>
        <Text size="xs" c="dimmed">{`${t('agree.confusion')}: ${t('agree.confusion-of', { a, b })}`}</Text>
      </caption>
      <thead>
        <tr>
          <td />
          {pair.classes.map((name) => <th key={name} scope="col">{words(name)}</th>)}
        </tr>
      </thead>
      <tbody>
        {pair.confusion.map((row, i) => (
          <tr key={pair.classes[i]}>
            <th scope="row">{words(pair.classes[i] ?? '')}</th>
            {row.map((count, j) => (
              <td key={pair.classes[j]} data-same={i === j} style={{ '--part': `${Math.round((60 * count) / most)}%` } as React.CSSProperties}>{count}</td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  )
}
