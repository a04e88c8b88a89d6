import { inLanguage } from '../../contract/language.ts';
import { listNoticesRoute, readNoticeRoute } from '../../contract/notices.ts';
import { notFound } from '../../stores/postgres/edit.ts';
import { listNotices, markNoticeRead } from '../../stores/postgres/notices.ts';
import type { Binder } from '../bind.ts';

export function addNoticeRoutes({ bind }: Binder): void {
  bind(listNoticesRoute, async ({ tx, query, language }) => {
    const { items, next_cursor } = await listNotices(tx, query, query);
    return {
      items: items.map((row) => ({
        ...row,
        subject: inLanguage(row.subject, language),
        body: inLanguage(row.body, language),
        created_at: row.created_at.toISOString(),
        read_at: row.read_at?.toISOString() ?? null,
      })),
      next_cursor,
    };
  });

  bind(readNoticeRoute, async ({ tx, params }) => {
    if (!(await markNoticeRead(tx, params.notice_id))) throw notFound();
    return null;
  });
}
