import { renderAriUser, renderManagerUser } from './access.ts';
import { renderCalls } from './calls.ts';
import { checkRows, orProblem } from './check-rows.ts';
import { renderForwards } from './forwards.ts';
import { renderGroups } from './groups.ts';
import { renderLines, renderTrunks } from './pjsip.ts';
import { exact } from './quote.ts';
import type { ServerRows } from './rows.ts';
import { renderSubscribers } from './subscribers.ts';

export interface RenderedServer {
  /** By file name; all of them always, because the static configuration includes all of them. */
  readonly files: Readonly<Record<string, string>>;
  /** What was left out, and why. */
  readonly problems: readonly string[];
}

/** The whole configuration of one server. The order of the trunks means something, that of the lines does not. */
export function renderServer(rows: ServerRows): RenderedServer {
  const { lines, trunks, numbers, forwards, groups, problems: leftOut } = checkRows(rows);
  const problems = [...leftOut];
  const own = <T>(work: () => T) => orProblem(work, problems);
  const name = own(() => exact('serverName', rows.server.name, { row: 'server', field: 'name' }));
  const header = `; Rendered by the control plane${name === null ? '' : ` for ${name}`}. What is changed here is lost.`;
  const text = (content: readonly string[]) => `${[header, ...content].join('\n')}\n`;
  const files = {
    'ari-users.conf': text(own(() => renderAriUser(rows.ari)) ?? []),
    'dialplan-calls.conf': text([
      ...renderCalls(
        trunks.map(({ code }) => code),
        numbers,
        groups,
      ),
      ...renderForwards(forwards, lines),
      ...renderGroups(groups),
    ]),
    'dialplan-subscribers.conf': text(renderSubscribers(lines, groups)),
    'manager-users.conf': text(own(() => renderManagerUser(rows.ami)) ?? []),
    'pjsip-lines.conf': text(renderLines(lines)),
    'pjsip-trunks.conf': text(renderTrunks(trunks)),
  };
  return { files, problems };
}
