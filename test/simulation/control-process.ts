import { type CallControl, createCallControl } from '../../src/calls/call-control.ts';
import type { Log } from '../../src/calls/log.ts';
import type { SliceTimes } from '../../src/calls/slices.ts';
import type { Chance } from './chance.ts';
import type { Clock, Owner } from './clock.ts';
import type { Household } from './household.ts';
import type { Ledger } from './ledger.ts';
import { type Health, Link } from './link.ts';
import { type Meddle, RedisClient } from './redis-client.ts';
import type { RedisData } from './redis-data.ts';
import { amiHosts, asDb, type SimulatedDb } from './substitutes.ts';
import type { SimulatedSwitch } from './switch.ts';
import { SwitchLinks } from './switch-links.ts';
import type { Tape } from './tape.ts';

/** Everything that outlives a control plane. */
export interface Surroundings {
  readonly clock: Clock;
  readonly house: Household;
  readonly switches: readonly SimulatedSwitch[];
  readonly redis: RedisData;
  readonly redisHealth: Health;
  readonly ledger: Ledger;
  readonly postgresHealth: Health;
  readonly times: SliceTimes;
  readonly meddle: Meddle;
  readonly tape: Tape;
  readonly log: Log;
}

const postgresAway = () => Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });

function databaseOf(house: Household, ledger: Ledger, link: Link): SimulatedDb {
  const { trunks, lines, numbers, tables } = house;
  const line = (name: string) => lines.find(({ facts }) => facts.sip_username === name)?.facts ?? null;
  return {
    settleCalls: (records) => link.ask(() => ledger.settleCalls(records)),
    settledAmong: (ids) => link.ask(() => ledger.settledAmong(ids)),
    openWallet: (payer, cycle) => link.ask(() => ledger.openWallet(payer, cycle)),
    readWallets: (ids) => link.ask(() => ledger.readWallets(ids)),
    readResellerWallet: (id) => link.ask(() => ledger.readResellerWallet(id)),
    recordRefusals: (records) => link.ask(() => ledger.recordRefusals(records)),
    topUp: (payer, amount) => link.ask(() => ledger.topUp(payer, amount)),
    topUpReseller: (id, amount) => link.ask(() => ledger.topUpReseller(id, amount)),
    line: (name) => link.ask(() => line(name)),
    trunk: (id) => link.ask(() => trunks.find(({ server_id }) => server_id === id) ?? null),
    trunkNamed: (_, code) => link.ask(() => trunks.find((trunk) => trunk.code === code) ?? null),
    number: (number) => link.ask(() => numbers.get(number) ?? null),
    table: (id) => link.ask(() => tables.get(id) ?? null),
  };
}

let processes = 0;

/** One life of the control plane. What it has under way when it is killed is never heard of again. */
export class ControlProcess implements Owner {
  dead = false;
  control: CallControl | null = null;
  readonly links = new Map<string, SwitchLinks>();
  readonly redis: RedisClient;
  readonly db: SimulatedDb;
  private readonly clock: Clock;
  private readonly hosts: string[] = [];

  constructor(around: Surroundings, chance: Chance) {
    const { clock, house, times, log } = around;
    const number = ++processes;
    const redisAway = () => new Error('Connection is closed.');
    const link = new Link(clock, chance.fork(), this, around.redisHealth, redisAway);
    this.redis = new RedisClient(around.redis, link, around);
    const toPostgres = new Link(clock, chance.fork(), this, around.postgresHealth, postgresAway);
    this.db = databaseOf(house, around.ledger, toPostgres);
    const addresses = around.switches.map((target, index) => {
      const links = new SwitchLinks(clock, chance.fork(), this, target);
      const host = `process${number}switch${index}`;
      this.links.set(target.server_id, links);
      this.hosts.push(host);
      amiHosts.set(host, links.connectAmi);
      return {
        server_id: target.server_id,
        name: host,
        ari_url: host,
        ami_host: host,
        ami_port: 1,
        ...NOBODY,
      };
    });
    const connectAri: SwitchLinks['connectAri'] = (options) => {
      const at = addresses.find(({ ari_url }) => ari_url === options.url);
      return (this.links.get(at?.server_id ?? '') as SwitchLinks).connectAri(options);
    };
    this.clock = clock;
    clock.as(this, () =>
      clock.after(0, () => {
        const redis = this.redis.asRedis();
        this.control = createCallControl({ db: asDb(this.db), redis, connectAri, times, log });
        this.control.switches.set(addresses);
        if (around.redisHealth.up) clock.after(0, () => this.redis.tell('ready'));
      }),
    );
  }

  /** Lets the process do something at once, unless it is dead or has not begun. */
  run(action: (control: CallControl) => void): void {
    this.clock.as(this, () =>
      this.clock.after(0, () => {
        if (this.control) action(this.control);
      }),
    );
  }

  kill(): void {
    this.dead = true;
    for (const links of this.links.values()) links.drop();
    for (const host of this.hosts) amiHosts.delete(host);
  }
}

const NOBODY = { user: '', ari_password: '', ami_password: '' };
