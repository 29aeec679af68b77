import { Button, Menu } from '@mantine/core'
import { IconPrinter } from '@tabler/icons-react'

import type { FilmCase } from '../../api/shapes'
import { useWords } from '../../words/language'

/** The page to print and the file as it came in. */
export function ReportMenu({ film }: { film: FilmCase }) {
  const { t, language } = useWords()
  const base = `/api/cases/${encodeURIComponent(film.id)}`
  const report = (lang: 'en' | 'zh') => (
    <Menu.Item key={lang} component="a" href={`${base}/report?lang=${lang}`} target="_blank" rel="noopener" disabled={!film.report_open} data-testid={`report-${lang}`}>
      {t(`case.report-${lang}`)}
    </Menu.Item>
  )
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <Button size="compact-sm" variant="default" leftSection={<IconPrinter size={15} />} data-testid="report">{t('case.report')}</Button>
      </Menu.Target>
      <Menu.Dropdown>
        {language === 'zh' ? [report('zh'), report('en')] : [report('en'), report('zh')]}
        <Menu.Divider />
        <Menu.Item component="a" href={`${base}/original`} download>{t('case.original')}</Menu.Item>
      </Menu.Dropdown>
    </Menu>
  )
}
