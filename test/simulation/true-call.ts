import type { HouseLine } from './household.ts';

/** What somebody does with a phone, decided beforehand. Times count from the dialling. */
export interface CallPlan {
  readonly line: number;
  readonly to: 'FIXED' | 'MOBILE' | 'LDN' | 'ABROAD' | 'INTERNAL' | 'INBOUND' | 'EMERGENCY';
  readonly ring_ms: number;
  /** After it rang; null: nobody answers. */
  readonly answer_ms: number | null;
  readonly talk_ms: number;
  readonly ended_by: 'CALLER' | 'CALLEE' | 'BOTH';
  /** The caller gives up so long after dialling, unless it is answered by then. */
  readonly cancel_ms: number | null;
}

export type EndedBy = 'PHONE' | 'CONTROL' | 'TIME_OUT' | 'REFUSED' | 'UNANSWERED' | 'CRASH';

/** What really happened, as nobody but the simulation knows it. Times by the clock that nobody sets. */
export interface TrueCall {
  readonly call_id: string;
  readonly server_id: string;
  /** Whose call it is: the caller's, or of a call from outside the line that is called. */
  readonly line: HouseLine;
  readonly plan: CallPlan;
  readonly dialled_ms: number;
  /** Name of the extension that it goes on at; null: nobody let it go. */
  exten: string | null;
  let_go_ms: number | null;
  /** The switch let it go by itself. */
  offline: boolean;
  /** Redis knew it as it was let go. */
  registered: boolean;
  answered_ms: number | null;
  ended_ms: number | null;
  ended_by: EndedBy | null;
  /** The switch's clock was set while it talked. */
  stepped: boolean;
}

export const isRunning = ({ let_go_ms, ended_ms }: TrueCall) => let_go_ms !== null && ended_ms === null;
