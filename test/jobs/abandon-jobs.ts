import { importDeck } from '../../src/admin/import-deck.ts';
import { reRateWork } from '../../src/admin/re-rate.ts';
import { createJobs } from '../../src/jobs/jobs.ts';
import { connectPostgres } from '../../src/stores/postgres/connect.ts';

/*
 * Runs jobs until it is killed, and stays in the middle of the first: all rows of a deck but the last batch are
 * written, and nothing is committed.
 */
const [, , postgresUrl = '', redisUrl = ''] = process.argv;
const { db } = connectPostgres(postgresUrl, () => {}, 'pabx_system');
const say = (fields: object, message: string) => console.error(message, fields);
createJobs({
  db,
  redisUrl,
  log: { warn: say, error: say },
  work: {
    RE_RATE: reRateWork(db),
    async IMPORT_DECK(job, tell) {
      const lastStep = await importDeck(job, tell);
      return async (tx) => {
        await lastStep(tx);
        console.log('written');
        return new Promise(() => {});
      };
    },
  },
  every: [],
});
