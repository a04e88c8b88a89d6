import { orderReRating } from '../../admin/order-re-rating.ts';
import { createReRatingRoute } from '../../contract/re-ratings.ts';
import type { Binder } from '../bind.ts';
import { oneJob } from './jobs.ts';

/** Calls of a period rated again. `ringJobs` tells that a job waits. */
export function addReRatingRoutes({ bind }: Binder, ringJobs: () => void): void {
  bind(createReRatingRoute, async ({ tx, viewer, body, afterCommit }) => {
    const job_id = await orderReRating(tx, viewer.tenant, viewer.actor, body);
    afterCommit(ringJobs);
    return oneJob(tx, job_id);
  });
}
