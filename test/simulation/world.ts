import type { Log } from '../../src/calls/log.ts';
import { type Chance, chanceOf } from './chance.ts';
import { Clock } from './clock.ts';
import { ControlProcess, type Surroundings } from './control-process.ts';
import type { Action, Fault, History } from './history.ts';
import { type Household, type HouseLine, householdOf } from './household.ts';
import { MemoryLedger } from './ledger.ts';
import { type Health, healthy } from './link.ts';
import type { Meddle } from './redis-client.ts';
import { RedisData } from './redis-data.ts';
import { SimulatedSwitch } from './switch.ts';
import { type Tape, taped } from './tape.ts';
import type { TrueCall } from './true-call.ts';

export interface Told {
  readonly at_ms: number;
  readonly level: 'info' | 'warn' | 'error';
  readonly message: string;
  readonly fields: object;
}

/** Everything that a history happens to. */
export class World {
  readonly history: History;
  readonly clock: Clock;
  readonly house: Household;
  readonly switches: readonly SimulatedSwitch[];
  readonly redis: RedisData;
  readonly ledger: MemoryLedger;
  readonly told: Told[] = [];
  /** How much of what was told has been looked at. */
  read = 0;
  process: ControlProcess;
  /** Calls that somebody ended from a panel. */
  readonly hungUp = new Set<string>();
  private readonly around: Surroundings;
  private readonly chance: Chance;

  constructor(history: History, meddle: Meddle, tape: Tape) {
    const { seed, terms, times } = history;
    this.history = history;
    this.chance = chanceOf(seed ^ 0x5eed);
    this.clock = new Clock(history.start_ms);
    this.house = householdOf(terms, seed);
    this.switches = this.house.server_ids.map(
      (_, index) => new SimulatedSwitch(this.clock, this.house, index, seed),
    );
    this.redis = new RedisData(() => this.clock.wall_ms('redis'));
    this.ledger = new MemoryLedger(this.house);
    this.around = {
      clock: this.clock,
      house: this.house,
      switches: this.switches,
      redis: this.redis,
      redisHealth: healthy(),
      ledger: taped(this.ledger, tape),
      postgresHealth: healthy(),
      times,
      meddle,
      tape,
      log: this.log(),
    };
    this.process = new ControlProcess(this.around, this.chance.fork());
  }

  private log(): Log {
    const at = (level: Told['level']) => (fields: object, message: string) => {
      this.told.push({ at_ms: this.clock.mono_ms, level, message, fields });
    };
    return { info: at('info'), warn: at('warn'), error: at('error') };
  }

  /** Every call that ever was, on whichever switch. */
  calls(): TrueCall[] {
    return this.switches.flatMap(({ truth }) => truth);
  }

  /** Another number when anything that rules are about may be another. */
  changes(): number {
    return this.switches.reduce(
      (sum, { happened }) => sum + happened,
      this.redis.asked + this.ledger.changes,
    );
  }

  async open(): Promise<void> {
    for (const { facts, terms } of this.house.subscribers)
      if (terms.balance_micros > 0) await this.around.ledger.topUp(facts, BigInt(terms.balance_micros));
    const { wholesale } = this.history.terms;
    if (wholesale)
      await this.around.ledger.topUpReseller(this.house.reseller_id, BigInt(wholesale.balance_micros));
    for (const action of this.history.actions) this.clock.atWorld(action.at_ms, () => this.act(action));
  }

  private act(action: Action): void {
    switch (action.do) {
      case 'DIAL': {
        const line = this.house.lines[action.plan.line % this.house.lines.length] as HouseLine;
        this.switches.find(({ server_id }) => server_id === line.server_id)?.dial(action.plan, line);
        break;
      }
      case 'TOP_UP':
        this.topUp(action.subscriber, BigInt(action.micros));
        break;
      case 'WITHDRAW':
        this.withdraw(action.subscriber, BigInt(action.micros));
        break;
      case 'HANG_UP':
        this.hangUp(action.call);
        break;
      default:
        this.disturb(action);
        break;
    }
  }

  private subscriber(index: number) {
    const { subscribers } = this.house;
    return subscribers[index % subscribers.length] as (typeof subscribers)[number];
  }

  private topUp(index: number, amount: bigint): void {
    const { facts } = this.subscriber(index);
    const { process } = this;
    if (process.dead) return;
    void this.around.ledger.topUp(facts, amount).then((wallet) => {
      process.run((control) => control.walletChanged(wallet));
    });
  }

  private withdraw(index: number, amount: bigint): void {
    const { facts } = this.subscriber(index);
    const { subscriber_id, reseller_id } = facts;
    const leaving = { holder: { subscriber_id, reseller_id }, amount, credit_micros: 0n };
    this.process.run((control) => {
      control.reserve(leaving).then(
        async (moved) => moved(await this.around.ledger.topUp(facts, -amount)),
        // Not so much is free, or nobody can tell: then nothing moves.
        () => {},
      );
    });
  }

  private hangUp(index: number): void {
    const call = this.calls()[index];
    if (!call) return;
    if (call.ended_ms === null) this.hungUp.add(call.call_id);
    this.process.run((control) => void control.hangUp(call.call_id));
  }

  /** Does something to a server's health, and undoes it later. */
  private during(for_ms: number, health: Health, change: Partial<Health>, back: Partial<Health>): void {
    Object.assign(health, change);
    this.later(for_ms, () => Object.assign(health, back));
  }

  private later(ms: number, action: () => void): void {
    this.clock.atWorld(this.clock.mono_ms + ms, action);
  }

  private disturb(fault: Fault): void {
    const { redisHealth, postgresHealth } = this.around;
    const target = 'server' in fault ? this.switches[fault.server % this.switches.length] : undefined;
    const links = target && this.process.links.get(target.server_id);
    switch (fault.do) {
      case 'CONTROL_KILLED':
        this.killControl(fault.for_ms);
        break;
      case 'LINK_LOST':
        if (!this.process.dead) links?.lose(new Error('cut'));
        break;
      case 'LINK_SILENT':
        if (!this.process.dead) links?.goSilent(fault.for_ms);
        break;
      case 'SWITCH_KILLED':
        target?.crash(fault.unwritten_ms);
        this.later(fault.for_ms, () => {
          if (target) target.health.up = true;
        });
        break;
      case 'REDIS_FLUSHED':
        this.flush(false);
        break;
      case 'REDIS_AWAY':
      case 'REDIS_RESTARTED':
      case 'REDIS_RESTARTED_EMPTY':
        this.redisGone(fault);
        break;
      case 'REDIS_ANSWERS_LOST':
        this.during(fault.for_ms, redisHealth, { losesAnswers: true }, { losesAnswers: false });
        break;
      case 'POSTGRES_ANSWERS_LOST':
        this.during(fault.for_ms, postgresHealth, { losesAnswers: true }, { losesAnswers: false });
        break;
      case 'POSTGRES_AWAY':
        this.during(fault.for_ms, postgresHealth, { up: false }, { up: true });
        break;
      case 'SLOW':
        this.slow(fault);
        break;
      case 'EVENTS':
        this.disturbEvents(fault);
        break;
      case 'CLOCK_SET':
        for (const host of fault.hosts) this.clock.step(host, fault.by_ms);
        if (fault.hosts.includes('switch')) for (const one of this.switches) one.clockSet();
        break;
    }
  }

  private flush(restart: boolean): void {
    this.redis.flush(restart);
    this.around.tape({ store: 'FLUSH' });
  }

  private killControl(for_ms: number): void {
    if (this.process.dead) return;
    this.process.kill();
    this.later(for_ms, () => {
      this.process = new ControlProcess(this.around, this.chance.fork());
    });
  }

  private redisGone(fault: Fault): void {
    const { redisHealth } = this.around;
    if (!redisHealth.up) return;
    redisHealth.up = false;
    const tell = (event: 'close' | 'ready') => {
      const { process } = this;
      process.run(() => process.redis.tell(event));
    };
    tell('close');
    if (fault.do === 'REDIS_RESTARTED_EMPTY') this.flush(true);
    if (fault.do === 'REDIS_RESTARTED') this.redis.runs += 1;
    this.later(fault.for_ms, () => {
      redisHealth.up = true;
      tell('ready');
    });
  }

  private slow(fault: Extract<Fault, { do: 'SLOW' }>): void {
    const { redisHealth, postgresHealth } = this.around;
    const healths = {
      REDIS: [redisHealth],
      POSTGRES: [postgresHealth],
      SWITCH: this.switches.map(({ health }) => health),
    };
    for (const health of healths[fault.what])
      this.during(fault.for_ms, health, { slow_ms: fault.slow_ms }, { slow_ms: 0 });
  }

  private disturbEvents({ delay_ms, doubled, late, for_ms }: Extract<Fault, { do: 'EVENTS' }>): void {
    for (const { faults } of this.process.links.values()) {
      Object.assign(faults, { delay_ms, doubled, offersLate: late });
      this.later(for_ms, () => Object.assign(faults, { delay_ms: 0, doubled: false, offersLate: false }));
    }
  }
}
