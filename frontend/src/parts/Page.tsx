import { Box, Group, Text, Title } from '@mantine/core'
import type { ReactNode } from 'react'

/** A page with its heading; the browser's title follows it. */
export function Page({ title, lead, aside, children }: { title: string; lead?: string; aside?: ReactNode; children: ReactNode }) {
  return (
    <Box className="room-page">
      <title>{`${title} · konio`}</title>
      <Group justify="space-between" align="flex-start" mb="md">
        <div>
          <Title order={1} size="h3">{title}</Title>
          {lead && <Text c="dimmed" size="sm" maw={760}>{lead}</Text>}
        </div>
        {aside}
      </Group>
      {children}
    </Box>
  )
}
