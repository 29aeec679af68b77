import { ActionIcon, Button, Menu, Tooltip, useComputedColorScheme, useMantineColorScheme } from '@mantine/core'
import { IconLanguage, IconLogout, IconMoon, IconSun, IconUser } from '@tabler/icons-react'
import { useMutation } from '@tanstack/react-query'
import { Link, NavLink, useNavigate } from 'react-router'

import { http } from '../api/http'
import { useLeave } from '../api/session'
import type { Session } from '../api/shapes'
import { useWords } from '../words/language'
import icon from './icon.svg'

export function Head({ session }: { session: Session | null }) {
  const { t, language, choose } = useWords()
  const inside = session && !session.must_change_password
  return (
    <header className="room-head">
      <Link to="/" className="room-name">
        <img src={icon} width={26} height={26} alt="" />
        konio <span>· {t('room.name')}</span>
      </Link>
      <nav className="room-nav" aria-label={t('room.menu')}>
        {inside && <NavLink to="/" end>{t('nav.cases')}</NavLink>}
        {inside && <NavLink to="/agreement">{t('nav.agreement')}</NavLink>}
        {inside && session.account.role === 'administrator' && <NavLink to="/accounts">{t('nav.accounts')}</NavLink>}
        {inside && session.account.role === 'administrator' && <NavLink to="/audit">{t('nav.audit')}</NavLink>}
      </nav>
      <Button
        variant="subtle" size="compact-sm" fz="sm" leftSection={<IconLanguage size={18} />}
        lang={language === 'en' ? 'zh-Hans' : 'en'}
        onClick={() => choose(language === 'en' ? 'zh' : 'en')}
      >
        {language === 'en' ? '中文' : 'English'}
      </Button>
      <ThemeSwitch />
      {session && <AccountMenu session={session} />}
    </header>
  )
}

function ThemeSwitch() {
  const { t } = useWords()
  const { setColorScheme } = useMantineColorScheme()
  const dark = useComputedColorScheme('dark') === 'dark'
  const words = t(dark ? 'room.theme-light' : 'room.theme-dark')
  return (
    <Tooltip position="bottom" label={words}>
      <ActionIcon variant="subtle" size="lg" aria-label={words} onClick={() => setColorScheme(dark ? 'light' : 'dark')}>
        {dark ? <IconSun size={18} /> : <IconMoon size={18} />}
      </ActionIcon>
    </Tooltip>
  )
}

function AccountMenu({ session }: { session: Session }) {
  const { t } = useWords()
  const leave = useLeave()
  const navigate = useNavigate()
  const out = useMutation({
    mutationFn: () => http.delete('/api/session'),
    onSettled: async () => {
      await navigate('/')
      leave()
    },
  })
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <Button variant="default" size="compact-sm" leftSection={<IconUser size={16} />} data-testid="account-menu">
          {session.account.display || session.account.name}
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>{t(`role.${session.account.role}`)}</Menu.Label>
        {!session.must_change_password && (
          <Menu.Item component={Link} to="/account" leftSection={<IconUser size={16} />}>{t('nav.mine')}</Menu.Item>
        )}
        <Menu.Item leftSection={<IconLogout size={16} />} onClick={() => out.mutate()} data-testid="sign-out">
          {t('nav.sign-out')}
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  )
}
