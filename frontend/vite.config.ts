import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

// The pages are served by konio itself, from `konio/web/static`; `npm run build` is called by scripts/build_frontend.py.
export default defineConfig({
  plugins: [react()],
  build: {
    outDir: '../src/konio/web/static',
    emptyOutDir: true,
    assetsInlineLimit: 0,
    reportCompressedSize: false,
    target: 'es2022',
  },
})
