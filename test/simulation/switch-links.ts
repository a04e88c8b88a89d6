import type { AmiConnection, AmiMessage, AmiOptions } from '../../src/asterisk/ami/connection.ts';
import type { AriOptions, AriPort } from '../../src/asterisk/ari/port.ts';
import type { Chance } from './chance.ts';
import type { Clock, Owner } from './clock.ts';
import { Link } from './link.ts';
import type { SimulatedSwitch } from './switch.ts';

/** What the network does to events. */
export interface EventFaults {
  delay_ms: number;
  doubled: boolean;
  /** Offers may come after what happened next. */
  offersLate: boolean;
}

/** How long it takes to notice that no events come any more: the echo that is asked for every three seconds. */
const NOTICED_ms = 6_000;
const REQUEST_TIMEOUT_ms = 3_000;
const away = () => Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });

/** The two connections of one process to one switch. */
export class SwitchLinks {
  readonly faults: EventFaults = { delay_ms: 0, doubled: false, offersLate: false };
  private readonly owner: Owner;
  private readonly clock: Clock;
  private readonly chance: Chance;
  private readonly target: SimulatedSwitch;
  private readonly link: Link;
  /** Packets are dropped: nothing arrives, and nobody is told. */
  private silent = false;
  private readonly losers = new Set<(reason: Error) => void>();

  constructor(clock: Clock, chance: Chance, owner: Owner, target: SimulatedSwitch) {
    this.clock = clock;
    this.chance = chance;
    this.owner = owner;
    this.target = target;
    this.link = new Link(clock, chance, owner, target.health, away);
    target.connected.add(this);
  }

  /** Both connections break. */
  lose(reason: Error): void {
    this.clock.as(this.owner, () =>
      this.clock.after(0, () => {
        for (const lose of [...this.losers]) lose(reason);
      }),
    );
  }

  /** The network swallows everything for a while; the event socket is given up by whoever watches it. */
  goSilent(for_ms: number): void {
    this.silent = true;
    this.clock.as(this.owner, () => {
      this.clock.after(Math.min(for_ms, NOTICED_ms), () => this.lose(new Error('no events any more')));
      this.clock.after(for_ms, () => {
        this.silent = false;
      });
    });
  }

  /** The process is gone: the switch notices at once. */
  drop(): void {
    this.target.connected.delete(this);
    this.losers.clear();
    this.target.application = null;
  }

  private async ask<T>(execute: () => T): Promise<T> {
    if (!this.silent) return this.link.ask(execute);
    await new Promise<void>((resolve) => this.clock.after(REQUEST_TIMEOUT_ms, resolve));
    throw new Error('timed out');
  }

  private opened(onLost: (reason: Error) => void, close: () => void) {
    const state = { open: true };
    const end = () => {
      state.open = false;
      this.losers.delete(lose);
      close();
    };
    const lose = (reason: Error) => {
      if (!state.open) return;
      end();
      onLost(reason);
    };
    this.losers.add(lose);
    return { state, end };
  }

  readonly connectAri = async ({ onEvent, onLost }: AriOptions): Promise<AriPort> => {
    const { target, clock } = this;
    let last_ms = 0;
    const application = {
      hear: (event: object) => {
        if (this.silent) return;
        const { delay_ms, doubled, offersLate } = this.faults;
        const late = offersLate && 'type' in event && event.type === 'StasisStart' && this.chance.odds(0.3);
        const arrives_ms = clock.mono_ms + (delay_ms > 0 ? this.chance.int(0, delay_ms) : 0);
        if (!late) last_ms = Math.max(last_ms, arrives_ms);
        const at_ms = late ? arrives_ms + this.chance.int(1, 2_000) : last_ms;
        const arrive = () => {
          if (state.open && !this.silent) onEvent(JSON.parse(JSON.stringify(event)));
        };
        clock.as(this.owner, () => {
          clock.after(at_ms - clock.mono_ms, arrive);
          if (doubled && this.chance.odds(0.5))
            clock.after(at_ms - clock.mono_ms + this.chance.pick([0, 0, 50, 3_000]), arrive);
        });
      },
    };
    await this.ask(() => {
      target.application = application;
    });
    const { state, end } = this.opened(onLost, () => {
      if (target.application === application) target.application = null;
    });
    return {
      channels: () => this.ask(() => target.list()),
      continueAt: (id, context, exten) => this.ask(() => target.continueAt(id, context, exten)),
      hangUp: (id, q850) => this.ask(() => target.hangUp(id, q850)),
      close: end,
    };
  };

  readonly connectAmi = async ({ onLost }: AmiOptions): Promise<AmiConnection> => {
    const { target } = this;
    await this.ask(() => {});
    const { end } = this.opened(onLost, () => {});
    return {
      send: (action) =>
        this.ask((): AmiMessage => {
          const { Action, Channel = '', Variable = '', Value = '', Family = '' } = action;
          if (Action === 'Ping') return { response: 'Success', timestamp: (target.now_ms / 1000).toFixed(6) };
          if (Action === 'DBDelTree') target.eraseJournal(Family);
          else if (Action !== 'Setvar') throw new Error(`the simulated AMI does not know ${Action}`);
          else if (!target.setVariable(Channel, Variable, Value))
            return { response: 'Error', message: 'No such channel' };
          return { response: 'Success' };
        }),
      list: ({ Action }) =>
        this.ask(() => {
          if (Action !== 'DBGetTree') throw new Error(`the simulated AMI does not know ${Action}`);
          return target.journal.map(({ key, value: val }) => ({ event: 'DBGetTreeResponse', key, val }));
        }),
      close: end,
    };
  };
}
