import { CONTEXTS } from '../../src/asterisk/ari/events.ts';
import type { AriChannel } from '../../src/asterisk/ari/port.ts';
import { parseGrant } from '../../src/asterisk/grant-exten.ts';
import type { Clock } from './clock.ts';
import type { Household, HouseLine, Trunk } from './household.ts';
import { healthy } from './link.ts';
import type { CallPlan, EndedBy, TrueCall } from './true-call.ts';

const DECISION_ms = 5_000;
const OFFLINE = '14400-60';
const EMERGENCY_seconds = 7_200;

const DIALLED: Readonly<Record<Exclude<CallPlan['to'], 'INTERNAL' | 'INBOUND'>, string>> = {
  FIXED: '33334444',
  MOBILE: '987654321',
  LDN: '02133334444',
  ABROAD: '0012125551234',
  EMERGENCY: '190',
};

interface Leg {
  readonly id: string;
  readonly name: string;
  readonly variables: Record<string, string>;
  /** When it is hung up whatever happens, by the switch's own clock. */
  deadline_ms: number | null;
}

interface RunningCall {
  readonly truth: TrueCall;
  readonly caller: Leg;
  readonly created: string;
  callee: Leg | null;
  state: 'STASIS' | 'DIALLING' | 'RINGING' | 'ANSWERED';
  context: string;
  exten: string;
}

/** The program at the other end of the event socket. */
export interface Application {
  hear(event: object): void;
}

interface JournalRow {
  readonly key: string;
  readonly value: string;
  readonly at_ms: number;
}

/** How the rendered dialplan and Asterisk 22 treat calls, as far as call control can tell. */
export class SimulatedSwitch {
  readonly server_id: string;
  readonly health = healthy();
  readonly calls = new Map<string, RunningCall>();
  /** Every call that ever was. */
  readonly truth: TrueCall[] = [];
  application: Application | null = null;
  /** Grows with everything that happens to a call. */
  happened = 0;
  /** Those that hold a connection are told when the switch dies. */
  readonly connected = new Set<{ lose(reason: Error): void }>();
  journal: JournalRow[] = [];
  private readonly clock: Clock;
  private readonly house: Household;
  private readonly name: string;
  private channels = 0;

  constructor(clock: Clock, house: Household, index: number, seed: number) {
    this.clock = clock;
    this.house = house;
    this.server_id = house.server_ids[index] as string;
    this.name = `sim${seed}s${index}`;
  }

  get now_ms(): number {
    return this.clock.wall_ms('switch');
  }

  private stamp(): string {
    return new Date(this.now_ms).toISOString().replace('Z', '+0000');
  }

  private leg(endpoint: string): Leg {
    const number = ++this.channels;
    const name = `PJSIP/${endpoint}-${number.toString(16).padStart(8, '0')}`;
    return { id: `${this.name}.${number}`, name, variables: {}, deadline_ms: null };
  }

  private trunk(): Trunk {
    return this.house.trunks.find(({ server_id }) => server_id === this.server_id) as Trunk;
  }

  /** Somebody dials; or, for a call from outside, somebody dials a number of the line. */
  dial(plan: CallPlan, line: HouseLine): void {
    if (!this.health.up) return;
    const inbound = plan.to === 'INBOUND';
    const caller = this.leg(inbound ? this.trunk().code : line.facts.sip_username);
    const truth: TrueCall = {
      call_id: caller.id,
      server_id: this.server_id,
      line,
      plan,
      dialled_ms: this.clock.mono_ms,
      exten: null,
      let_go_ms: null,
      offline: false,
      registered: false,
      answered_ms: null,
      ended_ms: null,
      ended_by: null,
      stepped: false,
    };
    const [own, other] = [...line.facts.subscriber.extensions.keys()].sort();
    const called = line.facts.extension === own ? (other ?? own ?? '') : (own ?? '');
    const exten = inbound ? line.number : plan.to === 'INTERNAL' ? called : DIALLED[plan.to as 'FIXED'];
    const context = inbound ? CONTEXTS.fromTrunk : plan.to === 'INTERNAL' ? 'pabx-internal' : 'pabx-outbound';
    const call: RunningCall = {
      ...{ truth, caller, callee: null, created: this.stamp(), state: 'STASIS', context, exten },
    };
    this.happened += 1;
    this.truth.push(truth);
    this.calls.set(caller.id, call);
    if (plan.cancel_ms !== null) this.later(call, plan.cancel_ms, () => this.cancel(call));
    if (plan.to === 'EMERGENCY') this.emergency(call);
    else if (this.application) this.ask(call);
    else this.offline(call);
  }

  /** The application has a few seconds to decide. */
  private ask(call: RunningCall): void {
    this.later(call, DECISION_ms, () => {
      if (call.state === 'STASIS') this.offline(call);
    });
    this.tell('StasisStart', { channel: this.show(call, call.caller) });
  }

  /** Runs something about a call later on, unless it is over by then. */
  private later(call: RunningCall, ms: number, action: () => void): void {
    this.clock.atWorld(this.clock.mono_ms + ms, () => {
      if (this.calls.get(call.caller.id) === call) action();
    });
  }

  private cancel(call: RunningCall): void {
    if (call.state !== 'ANSWERED') this.end(call, 'PHONE', 0);
  }

  private emergency(call: RunningCall): void {
    const exten = `E-${this.trunk().code}-${call.exten}`;
    this.letGo(call, CONTEXTS.emergency, exten, this.trunk().code, EMERGENCY_seconds, 120);
  }

  /** Nobody decides: what costs nothing rings, all else is out of order. */
  private offline(call: RunningCall): void {
    const { plan, line } = call.truth;
    const [seconds, ring] = OFFLINE.split('-').map(Number) as [number, number];
    call.truth.offline = true;
    if (plan.to === 'INTERNAL') {
      const called = line.facts.subscriber.extensions.get(call.exten) ?? '';
      this.letGo(call, CONTEXTS.offlineInternal, `L-${called}-${call.exten}`, called, seconds, ring);
    } else if (plan.to === 'INBOUND') {
      const { sip_username } = line.facts;
      const exten = `I-${sip_username}-${line.number}-${seconds}-${ring}-`;
      this.letGo(call, CONTEXTS.grant, exten, sip_username, seconds, ring);
    } else this.end(call, 'REFUSED', 38);
  }

  private letGo(
    call: RunningCall,
    context: string,
    exten: string,
    endpoint: string,
    seconds: number,
    ring_seconds: number,
  ): void {
    const { plan } = call.truth;
    this.happened += 1;
    Object.assign(call, { context, exten, state: 'DIALLING' });
    call.caller.deadline_ms = null;
    call.caller.variables.PABX_CALL = call.caller.id;
    call.callee = this.leg(endpoint);
    call.callee.variables.PABX_CALL = call.caller.id;
    Object.assign(call.truth, { exten, let_go_ms: this.clock.mono_ms });
    this.tellDial(call, '');
    this.later(call, plan.ring_ms, () => this.ring(call, seconds));
    this.later(call, ring_seconds * 1000, () => {
      if (call.state !== 'ANSWERED') this.end(call, 'UNANSWERED', 19);
    });
  }

  private ring(call: RunningCall, seconds: number): void {
    const { answer_ms } = call.truth.plan;
    call.state = 'RINGING';
    this.tellDial(call, 'RINGING');
    if (answer_ms !== null) this.later(call, answer_ms, () => this.answer(call, seconds));
  }

  private answer(call: RunningCall, seconds: number): void {
    const { truth, callee } = call;
    if (!callee) return;
    this.happened += 1;
    call.state = 'ANSWERED';
    truth.answered_ms = this.clock.mono_ms;
    callee.variables.PABX_ANSWERED = String(this.now_ms);
    this.setDeadline(call, callee, seconds * 1000);
    this.tellDial(call, 'ANSWER');
    this.later(call, truth.plan.talk_ms, () => this.end(call, 'PHONE', 16));
  }

  private setDeadline(call: RunningCall, leg: Leg, ms: number): void {
    leg.deadline_ms = ms > 0 ? this.now_ms + ms : null;
    this.watch(call, leg);
  }

  /** Absolute time-outs go by the wall clock, as Asterisk's do. */
  private watch(call: RunningCall, leg: Leg): void {
    const { deadline_ms } = leg;
    if (deadline_ms === null) return;
    this.later(call, Math.max(0, deadline_ms - this.now_ms), () => {
      if (leg.deadline_ms === deadline_ms && this.now_ms >= deadline_ms) this.end(call, 'TIME_OUT', 16);
    });
  }

  /** The clock was set: durations that are told by it are wrong from now on. */
  clockSet(): void {
    for (const call of this.calls.values()) {
      if (call.state === 'ANSWERED') call.truth.stepped = true;
      for (const leg of [call.caller, call.callee]) if (leg) this.watch(call, leg);
    }
  }

  /** However a call ends: the journal first, then what is told of its channels. */
  private end(call: RunningCall, ended_by: EndedBy, q850: number): void {
    const { truth, callee, caller } = call;
    const [shown, other] = [this.show(call, caller), callee && this.show(call, callee)];
    this.happened += 1;
    this.calls.delete(caller.id);
    Object.assign(truth, { ended_ms: this.clock.mono_ms, ended_by });
    if (call.state === 'ANSWERED') this.write(call, q850);
    if (other) this.tell('ChannelDestroyed', { channel: other, cause: q850 });
    this.tell('ChannelDestroyed', { channel: shown, cause: q850 });
  }

  private write(call: RunningCall, q850: number): void {
    const { now_ms } = this;
    const talk_ms = now_ms - Number(call.callee?.variables.PABX_ANSWERED);
    // A duration that is not above zero counts as none, as in the dialplan.
    if (talk_ms === 0) return;
    const kind =
      call.context === CONTEXTS.emergency ? 'E' : call.context === CONTEXTS.offlineInternal ? 'O' : 'G';
    const endpoint = call.caller.name.replace(/^PJSIP\/|-[0-9a-f]+$/g, '');
    const value = ['v1', kind, endpoint, call.exten, talk_ms, now_ms, q850].join('|');
    const bucket = String(Math.floor(now_ms / 1000)).slice(0, -2);
    this.journal.push({ key: `/pabx/${bucket}/${call.caller.id}`, value, at_ms: this.clock.mono_ms });
  }

  private show(call: RunningCall, leg: Leg): AriChannel {
    const { state, created, context, exten, caller } = call;
    return {
      id: leg.id,
      name: leg.name,
      state: state === 'ANSWERED' ? 'Up' : 'Ring',
      creationtime: created,
      caller: { number: '+5521999998888' },
      dialplan: leg === caller ? { context, exten } : { context: 'pabx-answered', exten: 's' },
      channelvars: { PABX_CALL: '', PABX_ANSWERED: '', PABX_GRANTED: '', ...leg.variables },
    };
  }

  private tell(type: string, fields: object): void {
    this.application?.hear({ type, timestamp: this.stamp(), ...fields });
  }

  private tellDial(call: RunningCall, dialstatus: string): void {
    if (!call.callee) return;
    const legs = { caller: this.show(call, call.caller), peer: this.show(call, call.callee) };
    this.tell('Dial', { ...legs, dialstatus });
  }

  /* What ARI and AMI ask. */

  list(): AriChannel[] {
    return [...this.calls.values()].flatMap((call) =>
      [call.caller, call.callee].flatMap((leg) => (leg ? [this.show(call, leg)] : [])),
    );
  }

  /** False: the channel is gone, or left Stasis. */
  continueAt(id: string, context: string, exten: string): boolean {
    const call = this.calls.get(id);
    if (call?.state !== 'STASIS') return false;
    if (context === CONTEXTS.refused) {
      this.end(call, 'REFUSED', Number(exten.slice(2)));
      return true;
    }
    const grant = parseGrant(exten);
    if (grant) this.letGo(call, context, exten, grant.endpoint, grant.seconds, grant.ring_seconds);
    else this.end(call, 'REFUSED', 38);
    return true;
  }

  hangUp(id: string, q850: number): boolean {
    const call = this.callOf((leg) => leg.id === id)?.call;
    if (!call) return false;
    this.end(call, 'CONTROL', q850);
    return true;
  }

  private callOf(isIt: (leg: Leg) => boolean): { call: RunningCall; leg: Leg } | null {
    for (const call of this.calls.values())
      for (const leg of [call.caller, call.callee]) if (leg && isIt(leg)) return { call, leg };
    return null;
  }

  setVariable(channel_name: string, name: string, value: string): boolean {
    const found = this.callOf((leg) => leg.name === channel_name);
    if (!found) return false;
    if (name === 'TIMEOUT(absolute)') this.setDeadline(found.call, found.leg, Number(value) * 1000);
    else found.leg.variables[name] = value;
    return true;
  }

  eraseJournal(family: string): void {
    this.journal = this.journal.filter(({ key }) => !key.startsWith(`/${family}/`));
  }

  /** Killed: its calls end, nobody is told, and the last rows of its journal may not be on the disk. */
  crash(unwritten_ms: number): void {
    this.happened += 1;
    this.health.up = false;
    this.application = null;
    for (const call of this.calls.values())
      Object.assign(call.truth, { ended_ms: this.clock.mono_ms, ended_by: 'CRASH' });
    this.calls.clear();
    this.journal = this.journal.filter(({ at_ms }) => at_ms <= this.clock.mono_ms - unwritten_ms);
    for (const connection of [...this.connected]) connection.lose(new Error('the switch is gone'));
  }
}
