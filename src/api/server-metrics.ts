import { Counter, Gauge, type Registry } from 'prom-client';
import { DRIFT_KINDS } from '../calls/drift.ts';
import type { ServerState } from '../calls/switches.ts';

/**
 * Asterisk servers as this process sees them. Every server is owned by one process, so of all processes together the sum
 * of `pabx_server_owned` is 1 per server: alarm on anything else, on a `pabx_server_reachable` of 0, and on any drift.
 */
export function addServerMetrics(registry: Registry, states: () => readonly ServerState[]): void {
  const registers = [registry];
  const perServer = (name: string, help: string, value: (state: ServerState) => number | null) =>
    new Gauge({
      name,
      help,
      labelNames: ['server'] as const,
      registers,
      collect() {
        this.reset();
        for (const state of states()) {
          const told = value(state);
          if (told !== null) this.set({ server: state.name }, told);
        }
      },
    });
  perServer('pabx_server_owned', '1: this process is the owner of the server', ({ owned }) => Number(owned));
  perServer(
    'pabx_server_reachable',
    '1: the server can be reached and its calls were compared; told by its owner alone',
    ({ owned, well }) => (owned ? Number(well) : null),
  );
  const labelNames = ['server', 'kind'] as const;
  const owned = () => states().filter((state) => state.owned);
  new Gauge({
    name: 'pabx_drift_calls',
    help: 'Calls that switch, memory and Redis did not agree about when they were compared last; to be 0',
    labelNames,
    registers,
    collect() {
      this.reset();
      for (const { name: server, drift } of owned())
        for (const kind of DRIFT_KINDS) this.set({ server, kind }, drift.now[kind]);
    },
  });
  new Counter({
    name: 'pabx_drift_calls_total',
    help: 'Calls that were found to drift since the process began, each time they were',
    labelNames,
    registers,
    collect() {
      this.reset();
      for (const { name: server, drift } of owned())
        for (const kind of DRIFT_KINDS) this.inc({ server, kind }, drift.ever[kind]);
    },
  });
}
