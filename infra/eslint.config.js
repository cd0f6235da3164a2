// What APPSYNC_JS refuses only when it is deployed, refused here: AWS's own rules, and what its documentation
// (AppSync developer guide, supported runtime features) leaves out but those rules let pass.
import appsync from '@aws-appsync/eslint-plugin';

const UNDOCUMENTED_METHODS = [
  'at', 'codePointAt', 'fromEntries', 'includes', 'isArray', 'isInteger', 'localeCompare', 'match', 'normalize',
  'padEnd', 'padStart', 'parseFloat', 'parseInt', 'search', 'substr', 'substring', 'test', 'toFixed', 'toSorted',
];
const UNDOCUMENTED_GLOBALS = [
  'Array', 'BigInt', 'Boolean', 'Date', 'Intl', 'Map', 'Number', 'Proxy', 'Reflect', 'RegExp', 'Set', 'String', 'Symbol',
  'WeakMap', 'WeakSet', 'eval', 'fetch', 'globalThis', 'isFinite', 'isNaN', 'parseFloat', 'parseInt', 'setInterval',
  'setTimeout', 'structuredClone',
];

/** @type {import('eslint').Linter.Config[]} */
export default [
  {
    files: ['resolvers/**/*.js'],
    ...appsync.configs.recommended,
    languageOptions: {
      ...appsync.configs.recommended.languageOptions,
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    linterOptions: { noInlineConfig: true, reportUnusedDisableDirectives: 'error' },
  },
  {
    files: ['resolvers/**/*.js'],
    rules: {
      'no-restricted-globals': ['error', ...UNDOCUMENTED_GLOBALS],
      'no-restricted-syntax': [
        'error',
        { selector: 'ThrowStatement', message: 'throw is not supported: call util.error.' },
        {
          selector: `CallExpression[callee.property.name=/^(${UNDOCUMENTED_METHODS.join('|')})$/]`,
          message: 'This method is not documented for APPSYNC_JS.',
        },
      ],
      'no-unused-vars': 'error',
    },
  },
];
