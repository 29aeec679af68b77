import { Text } from '@mantine/core'
import { Fragment, type ReactNode } from 'react'

import type { Zone } from '../api/shapes'
import { useWords } from '../words/language'

import './zone-grid.css'

const AS_LOOKED_AT: [Zone, Zone][] = [['ru', 'lu'], ['rm', 'lm'], ['rl', 'll']]

/** Major level 0..3 of a profusion; null where it is not one. */
export function levelOf(profusion: string | undefined): number | null {
  const level = Number(profusion?.[0])
  return Number.isInteger(level) ? level : null
}

/** The six zones as they lie on a film: the person's right is on the left. */
export function ZoneGrid({ profusion, cell }: { profusion: (zone: Zone) => string | undefined; cell: (zone: Zone) => ReactNode }) {
  const { t } = useWords()
  return (
    <div className="zone-grid">
      <Text size="xs" c="dimmed" ta="center">{t('view.right')}</Text>
      <Text size="xs" c="dimmed" ta="center">{t('view.left')}</Text>
      {AS_LOOKED_AT.map(([right, left]) => (
        <Fragment key={right}>
          {[right, left].map((zone) => (
            <div key={zone} className="zone-cell" data-level={levelOf(profusion(zone)) ?? 'none'} data-zone={zone}>
              {cell(zone)}
            </div>
          ))}
        </Fragment>
      ))}
    </div>
  )
}
