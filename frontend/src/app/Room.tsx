/** The frame around every page: who may see what, the head, and the notice that never goes away. */
import { lazy, Suspense, useEffect } from 'react'
import { Navigate, Route, Routes, useLocation, useParams } from 'react-router'

import { SignedIn, useSession } from '../api/session'
import type { Session } from '../api/shapes'
import { useCase } from '../api/useCase'
import { FirstPassword } from '../features/session/FirstPassword'
import { SignIn } from '../features/session/SignIn'
import { useFilm } from '../features/viewer/useFilm'
import { WorkList } from '../features/worklist/WorkList'
import { Busy } from '../parts/Busy'
import { Fault } from '../parts/Fault'
import { useWords } from '../words/language'
import { Head } from './Head'
import { LiveJobs } from './LiveJobs'
import { NotFound } from './NotFound'
import { Safe } from './Safe'

const loadFilmPage = () => import('../features/film/FilmPage')
const FilmPage = lazy(loadFilmPage)
const AgreementPage = lazy(() => import('../features/agreement/AgreementPage'))
const AccountsPage = lazy(() => import('../features/accounts/AccountsPage'))
const AuditPage = lazy(() => import('../features/audit/AuditPage'))
const MyAccount = lazy(() => import('../features/session/MyAccount'))

/** A film is asked for at once: facts and pixels come while the viewer itself may still be on its way. */
function OneFilm() {
  const { id = '' } = useParams()
  useCase(id)
  useFilm(id || null)
  return <Suspense fallback={<Busy />}><FilmPage /></Suspense>
}

export function Room() {
  const { t } = useWords()
  const session = useSession()
  const { pathname } = useLocation()
  return (
    <div className="room">
      <a className="room-skip" href="#content">{t('room.skip')}</a>
      <Head session={session.data ?? null} />
      <main id="content" className="room-main" tabIndex={-1}>
        <Safe key={pathname}>
          {session.isPending && <Busy />}
          {session.error && !session.data && (
            <div className="room-page"><Fault error={session.error} onRetry={() => void session.refetch()} /></div>
          )}
          {session.data === null && <SignIn />}
          {session.data && <Inside session={session.data} />}
        </Safe>
      </main>
      <footer className="room-notice">{t('notice')}</footer>
    </div>
  )
}

function Inside({ session }: { session: Session }) {
  // The viewer comes while the list is looked at, so that a click finds it there.
  useEffect(() => void loadFilmPage(), [])
  if (session.must_change_password) return <FirstPassword />
  const administrator = session.account.role === 'administrator'
  return (
    <SignedIn value={session}>
      <LiveJobs />
      <Suspense fallback={<Busy />}>
        <Routes>
          <Route path="/" element={<WorkList />} />
          <Route path="/films/:id" element={<OneFilm />} />
          <Route path="/agreement" element={<AgreementPage />} />
          <Route path="/account" element={<MyAccount />} />
          {administrator && <Route path="/accounts" element={<AccountsPage />} />}
          {administrator && <Route path="/audit" element={<AuditPage />} />}
          <Route path="/sign-in" element={<Navigate to="/" replace />} />
          <Route path="*" element={<NotFound />} />
        </Routes>
      </Suspense>
    </SignedIn>
  )
}
