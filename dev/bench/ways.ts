/**
 * PLAIN: `Dial()` alone. CONTROLLED: admitted, metered and settled by the control plane. The others are what people use
 * instead, and only decide whether a call may start: GROUP_COUNT in the dialplan, a FastAGI service, an HTTP one by CURL().
 */
export const WAYS = ['PLAIN', 'GROUP_COUNT', 'FASTAGI', 'CURL', 'CONTROLLED'] as const;
export type Way = (typeof WAYS)[number];
export type PlainWay = Exclude<Way, 'CONTROLLED'>;

/** Modules of Asterisk that a way needs and the product does not. */
export const MODULES: Readonly<Record<PlainWay, readonly string[]>> = {
  PLAIN: [],
  GROUP_COUNT: ['func_groupcount'],
  FASTAGI: ['res_agi'],
  CURL: ['res_curl', 'func_curl'],
};

export interface DecisionPorts {
  readonly agi: number;
  readonly http: number;
}

export const contextOf = (way: PlainWay) => `bench-${way.toLowerCase().replace('_', '-')}`;

const DIAL = `Dial(PJSIP/\${EXTEN}@carrier,60)`;
const NO_CIRCUIT = 34;

function decided(way: PlainWay, ports: DecisionPorts): string[] {
  const unless = (condition: string) => `GotoIf($[${condition}]?refused)`;
  switch (way) {
    case 'PLAIN':
      return [];
    case 'GROUP_COUNT':
      return ['Set(GROUP()=bench)', unless(`\${GROUP_COUNT(bench)} > 10000`)];
    case 'FASTAGI':
      return [`AGI(agi://127.0.0.1:${ports.agi}/decide)`, unless(`"\${BENCH_DECISION}" != "GO"`)];
    case 'CURL': {
      const url = `http://127.0.0.1:${ports.http}/?call=\${UNIQUEID}`;
      return [`Set(BENCH_DECISION=\${CURL(${url})})`, unless(`"\${BENCH_DECISION}" != "GO"`)];
    }
  }
}

/** The context that a way's endpoints dial in. */
export function dialplanOf(way: PlainWay, ports: DecisionPorts): string[] {
  const [first = DIAL, ...rest] = [...decided(way, ports), DIAL];
  return [
    `[${contextOf(way)}]`,
    `exten => _X.,1,${first}`,
    ...rest.map((step) => ` same => n,${step}`),
    ' same => n,Hangup()',
    ` same => n(refused),Hangup(${NO_CIRCUIT})`,
  ];
}
