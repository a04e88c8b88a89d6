import { createHmac, timingSafeEqual } from 'node:crypto';

/** Links by which the customer says that suspicious calls are its own. */
export interface BlockLinks {
  /** The token of a link for a block, good until a moment. */
  tokenFor(block_id: string, expires_at_ms: number): string;
  /** Which block a token is for. null: it was not made here, was changed, or its time is over. */
  open(token: string, now_ms: number): string | null;
}

/** How long a link is good at most; one to a block that ends before dies with it. */
export const LINK_ms = 24 * 3_600_000;

const TOKEN = /^([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.(\d{1,12})\.([\w-]{43})$/;

/**
 * Tokens carry block and end in plain, signed by a key that comes from the installation's secret: nothing is stored. A
 * link works once because a block is lifted once.
 */
export function createBlockLinks(secret: string): BlockLinks {
  const key = createHmac('sha256', secret).update('links that lift blocks').digest();
  const sign = (text: string) => createHmac('sha256', key).update(text).digest();

  return {
    tokenFor(block_id, expires_at_ms) {
      const text = `${block_id}.${Math.floor(expires_at_ms / 1000)}`;
      return `${text}.${sign(text).toString('base64url')}`;
    },
    open(token, now_ms) {
      const [, block_id, seconds, signature] = TOKEN.exec(token) ?? [];
      if (block_id === undefined || seconds === undefined || signature === undefined) return null;
      const given = Buffer.from(signature, 'base64url');
      const isOurs = timingSafeEqual(given, sign(`${block_id}.${seconds}`));
      return isOurs && now_ms < Number(seconds) * 1000 ? block_id : null;
    },
  };
}
