import { MantineProvider } from '@mantine/core'
import { Notifications } from '@mantine/notifications'
import { QueryClientProvider } from '@tanstack/react-query'
import { useState } from 'react'
import { BrowserRouter } from 'react-router'

import { newClient } from '../api/client'
import { LanguageProvider } from '../words/LanguageProvider'
import { Room } from './Room'
import { roomColours, theme } from './theme'

export function App() {
  const [client] = useState(newClient)
  return (
    <QueryClientProvider client={client}>
      <MantineProvider theme={theme} cssVariablesResolver={roomColours} defaultColorScheme="dark">
        <LanguageProvider>
          <Notifications position="bottom-left" autoClose={5000} />
          <BrowserRouter>
            <Room />
          </BrowserRouter>
        </LanguageProvider>
      </MantineProvider>
    </QueryClientProvider>
  )
}
