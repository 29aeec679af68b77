import { screen } from '@testing-library/react'
import { describe, expect, it } from 'vitest'

import { filmCase, show } from '../../test-room'
import { FilmFacts } from './FilmFacts'

const NOTED = filmCase({
  film_notes: ['synthetic', 'spacing unknown'],
  film_notes_zh: ['合成影像：虚构患者，非真人', '像素间距未知'],
  quality: { sharpness: 0.5, remarks: ['the breath may be shallow'], remarks_zh: ['可能吸气不足'] },
})

describe('what was noted of a film', () => {
  it('is said in English', () => {
    show(<FilmFacts film={NOTED} />)
    const said = screen.getAllByRole('listitem').map((item) => item.textContent)
    expect(said).toEqual(['Synthetic film: a made-up patient, not a person.', 'spacing unknown', 'the breath may be shallow'])
  })

  it('is said in Chinese on the Chinese page', () => {
    localStorage.setItem('konio.language', 'zh')
    show(<FilmFacts film={NOTED} />)
    const said = screen.getAllByRole('listitem').map((item) => item.textContent)
    expect(said).toEqual(['合成影像：虚构患者，非真人', '像素间距未知', '可能吸气不足'])
  })
})
