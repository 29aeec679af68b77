import { useEffect, useRef } from 'react'

/** Seconds for which the page has been in view since the form was opened. */
export function useSitting(): () => number {
  const seconds = useRef(0)
  useEffect(() => {
    const tick = setInterval(() => {
      if (document.visibilityState === 'visible') seconds.current += 1
    }, 1000)
    return () => clearInterval(tick)
  }, [])
  return () => seconds.current
}
