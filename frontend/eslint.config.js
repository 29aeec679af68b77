import js from '@eslint/js'
import a11y from 'eslint-plugin-jsx-a11y'
import hooks from 'eslint-plugin-react-hooks'
import globals from 'globals'
import ts from 'typescript-eslint'

const features = [
  'session', 'worklist', 'uploads', 'jobs', 'viewer', 'film', 'reading', 'machine', 'agreement', 'accounts', 'audit',
]

// The case page (film) joins the viewer, the reading and the machine's answer; the work list holds the uploads and the jobs.
const mayUse = {
  film: ['viewer', 'reading', 'machine', 'jobs'],
  worklist: ['uploads', 'jobs'],
}

/** A feature does not import another one, but for the two pages above. */
const apart = features.map((feature) => ({
  files: [`src/features/${feature}/**`],
  rules: {
    'no-restricted-imports': [
      'error',
      {
        patterns: [
          {
            group: features
              .filter((other) => other !== feature && !(mayUse[feature] ?? []).includes(other))
              .map((other) => `**/${other}/**`),
            message: 'Features do not import one another; put what both need into api/, words/ or parts/.',
          },
        ],
      },
    ],
  },
}))

export default ts.config(
  { ignores: ['node_modules'] },
  js.configs.recommended,
  ...ts.configs.recommendedTypeChecked,
  hooks.configs.flat.recommended,
  a11y.flatConfigs.strict,
  {
    files: ['src/**/*.{ts,tsx}', '*.ts'],
    languageOptions: { globals: globals.browser, parserOptions: { projectService: true } },
    rules: { '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }] },
  },
  { files: ['*.js'], ...ts.configs.disableTypeChecked },
  ...apart,
)
