import { defineConfig } from 'vitest/config'

// Tests import the package by its public entries; this condition points those at src/, so no build is needed first.
const conditions = ['sojourn-source', 'node', 'module', 'default']

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: conditions } },
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    dangerouslyIgnoreUnhandledErrors: false,
  },
})
