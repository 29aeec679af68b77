import { useEffect } from 'react'

/** Whether a key pressed here is meant for a field and not for the film. */
export function typing(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable ||
      target.matches('input, textarea, select, [role=slider], [role=option], [role=tab], [role=menuitem], [role=dialog] *'))
  )
}

/** Calls `actions[key]` for keys pressed outside fields; Ctrl, Alt and Meta belong to the browser. */
export function useKeys(actions: Record<string, (shift: boolean) => void>) {
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.altKey || event.metaKey || typing(event.target)) return
      const action = actions[event.key.length === 1 ? event.key.toLowerCase() : event.key]
      if (!action) return
      event.preventDefault()
      action(event.shiftKey)
    }
    window.addEventListener('keydown', onKey)
    return () => window.removeEventListener('keydown', onKey)
  }, [actions])
}
