import { defineConfig } from 'vitest/config'

// Tests import the package by its public entries; this condition points those at src/, so no build is needed first.
const conditions = ['sojourn-source', 'node', 'module', 'default']

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: conditions } },
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 20_000,
    hookTimeout: 30_000,
    dangerouslyIgnoreUnhandledErrors: false,
  },
})
