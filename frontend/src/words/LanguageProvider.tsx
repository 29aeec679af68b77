import { type ReactNode, useEffect, useMemo, useState } from 'react'

import { firstLanguage, keepLanguage, LanguageContext, wordsIn } from './language'

/** Gives every page the words of the chosen language and tells the browser which it is. */
export function LanguageProvider({ children }: { children: ReactNode }) {
  const [language, setLanguage] = useState(firstLanguage)
  useEffect(() => {
    document.documentElement.lang = language === 'zh' ? 'zh-Hans' : 'en'
    keepLanguage(language)
  }, [language])
  const words = useMemo(() => wordsIn(language, setLanguage), [language])
  return <LanguageContext value={words}>{children}</LanguageContext>
}
