import { defineConfig } from 'vitest/config';

/** The tests of the rules alone: they need no server. */
export default defineConfig({
  test: { include: ['test/domain/**/*.test.ts'], setupFiles: 'dev/mutation/setup.ts' },
});
