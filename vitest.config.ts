import { defineConfig } from "vitest/config"

export default defineConfig({
  test: {
    projects: [
      // No socket, no process, no thread: nothing that one file could leave behind for the next, so modules are loaded once.
      { test: { name: "unit", include: ["test/unit/**/*.test.ts"], testTimeout: 20_000, isolate: false } },
      { test: { name: "e2e", include: ["test/e2e/**/*.test.ts"], testTimeout: 20_000 } }
    ]
  }
})
