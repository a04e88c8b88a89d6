import type { Chance } from './chance.ts';
import type { Clock, Owner } from './clock.ts';

/** What can be wrong with a server that is asked over a network. */
export interface Health {
  up: boolean;
  /** It does what it is asked, and the answer does not arrive. */
  losesAnswers: boolean;
  /** How long a message is under way at most; most of them take no time. */
  slow_ms: number;
}

export const healthy = (): Health => ({ up: true, losesAnswers: false, slow_ms: 0 });

/** Asks a server for one process: takes its time, fails when the server is away, and is never heard of by the dead. */
export class Link {
  private readonly clock: Clock;
  private readonly chance: Chance;
  readonly owner: Owner;
  readonly health: Health;
  private readonly away: () => Error;

  constructor(clock: Clock, chance: Chance, owner: Owner, health: Health, away: () => Error) {
    this.clock = clock;
    this.chance = chance;
    this.owner = owner;
    this.health = health;
    this.away = away;
  }

  async ask<T>(execute: () => T | Promise<T>): Promise<T> {
    await this.travel();
    if (!this.health.up) throw this.away();
    const answer = await execute();
    await this.travel();
    if (!this.health.up || (this.health.losesAnswers && this.chance.odds(0.5))) throw this.away();
    return answer;
  }

  private async travel(): Promise<void> {
    const { slow_ms } = this.health;
    const wait_ms = slow_ms > 0 && this.chance.odds(0.4) ? this.chance.int(1, slow_ms) : 0;
    if (wait_ms > 0) await new Promise<void>((resolve) => this.clock.after(wait_ms, resolve));
    if (this.owner.dead) await new Promise(() => {});
  }
}
