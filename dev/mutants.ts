import { existsSync } from 'node:fs';
import { Stryker } from '@stryker-mutator/core';

/**
 * Changes the money rules in one small place at a time and looks whether a test notices: all of them, or the files that
 * are named. Ends with 1 below the score in `mutation/stryker.config.json`.
 */
const configFile = 'dev/mutation/stryker.config.json';
const files = process.argv.slice(2);
const missing = files.filter((file) => !existsSync(file));
if (missing.length > 0) {
  process.stderr.write(`no such file: ${missing.join(', ')}\n`);
  process.exit(2);
}
await new Stryker(files.length > 0 ? { configFile, mutate: files } : { configFile }).runMutationTest();
