import type { Directory } from '../../calls/directory.ts';
import { canPay, simulateCall } from '../../calls/simulate.ts';
import { inLanguage } from '../../contract/language.ts';
import { type ReceiptReply, readReceiptRoute, simulateRoute } from '../../contract/receipts.ts';
import { formatCadence } from '../../domain/cadence.ts';
import type { Cost } from '../../domain/charge.ts';
import type { LimitClaim } from '../../domain/limits.ts';
import { levelOf, type Permissions } from '../../domain/permissions.ts';
import type { FoundRate } from '../../domain/rate-table.ts';
import { type Receipt, type ReceiptFacts, receiptOf } from '../../domain/receipt.ts';
import type { Role } from '../../domain/tenant.ts';
import { notFound } from '../../stores/postgres/edit.ts';
import { findCallingLine } from '../../stores/postgres/line-reports.ts';
import { findReceipt, type ReceiptRow, receiptFacts } from '../../stores/postgres/receipts.ts';
import type { Binder } from '../bind.ts';
import { receiptSteps } from '../receipt-steps.ts';

/** Who reads: what the panel hides from a subscriber's users, and whose costs are nobody else's business. */
interface Reader {
  readonly role: Role;
  readonly permissions: Permissions | null;
}

const presentRate = (rate: FoundRate, numberIsHidden: boolean) => ({
  version_id: rate.version_id || null,
  // The prefix gives away what the number is hidden for.
  ...(numberIsHidden ? {} : { prefix: rate.prefix, locality: rate.locality }),
  price_micros_per_minute: rate.price_micros_per_minute.toString(),
  cadence: formatCadence(rate.cadence),
});

const presentCost = (cost: (FoundRate & Cost) | null) =>
  cost && {
    ...presentRate(cost, false),
    billed_seconds: cost.billed_seconds,
    total_micros: cost.total_micros.toString(),
  };

const text = (amount: bigint | null) => amount?.toString() ?? null;

interface Described {
  readonly dialled: string;
  readonly number: string | null;
  readonly call_class: ReceiptReply['call_class'];
  readonly csp: string | null;
  readonly area_code: string | null;
  readonly billing_mode: ReceiptReply['billing_mode'];
  readonly limits: readonly (Pick<LimitClaim, 'level' | 'limit'> & Partial<Pick<LimitClaim, 'direction'>>)[];
  readonly sales_plan_id: string;
  readonly sales_plan_name: string | null;
  readonly loss: boolean;
}

function costsOf({ role }: Reader, loss: boolean, receipt: Receipt) {
  if (role === 'SUBSCRIBER') return {};
  const wholesale = presentCost(receipt.wholesale);
  const own = { loss, wholesale, margin_micros: text(receipt.margin_micros) };
  if (role === 'RESELLER') return own;
  const carrier = presentCost(receipt.carrier);
  return { ...own, carrier, platform_margin_micros: text(receipt.platform_margin_micros) };
}

function present(described: Described, facts: ReceiptFacts, reader: Reader, t: (text: string) => string) {
  const { dialled, number, loss, limits, ...others } = described;
  const receipt = receiptOf(facts);
  const numberIsHidden = levelOf(reader.permissions, 'call.number') === 'HIDDEN';
  const costIsHidden = levelOf(reader.permissions, 'call.cost') === 'HIDDEN';
  const whole = {
    ...others,
    ...(numberIsHidden ? {} : { dialled, number }),
    // Records of before limits had directions have those of all calls.
    limits: limits.map(({ level, direction = 'TOTAL', limit }) => ({ level, direction, limit })),
    talk_seconds: receipt.talk_seconds,
    billed_seconds: receipt.billed_seconds,
    bundle_seconds: receipt.bundle_seconds,
    paid_seconds: receipt.paid_seconds,
    slices: receipt.slices.map(({ total_micros, ...slice }) => ({
      ...slice,
      ...(costIsHidden ? {} : { total_micros: total_micros.toString() }),
    })),
    ...(costIsHidden
      ? {}
      : {
          rate: facts.rate && presentRate(facts.rate, numberIsHidden),
          total_micros: receipt.total_micros.toString(),
        }),
    ...costsOf(reader, loss, receipt),
  };
  return { receipt, reply: { ...whole, steps: receiptSteps(whole, t) } };
}

function agrees(row: ReceiptRow, receipt: Receipt): boolean {
  return (
    row.billed_seconds === receipt.billed_seconds &&
    row.bundle_seconds === receipt.bundle_seconds &&
    row.paid_seconds === receipt.paid_seconds &&
    row.total_micros === receipt.total_micros &&
    (row.wholesale_micros === undefined ||
      row.wholesale_micros === (receipt.wholesale?.total_micros ?? 0n)) &&
    (row.cost_micros === undefined || row.cost_micros === (receipt.carrier?.total_micros ?? 0n))
  );
}

/** Receipts of calls that were, and of calls that might be. */
export function addReceiptRoutes({ bind }: Binder, directory: Directory): void {
  bind(readReceiptRoute, async ({ tx, viewer, params, permissions, language }) => {
    const { role } = viewer.tenant;
    const row = await findReceipt(tx, params.call_id, role);
    if (!row) throw notFound();
    const t = (both: string) => inLanguage(both, language);
    const described = { ...row, limits: row.claims, loss: row.loss ?? false };
    const { dialled, number, call_class, csp, area_code, billing_mode, limits, loss } = described;
    const { sales_plan_id, sales_plan_name } = described;
    const { receipt, reply } = present(
      {
        dialled,
        number,
        call_class,
        csp,
        area_code,
        billing_mode,
        limits,
        loss,
        sales_plan_id,
        sales_plan_name,
      },
      receiptFacts(row),
      { role, permissions },
      t,
    );
    return {
      ...reply,
      call_id: row.id,
      answered_at: row.answered_at?.toISOString() ?? null,
      ended_at: row.ended_at.toISOString(),
      agrees: agrees(row, receipt),
    };
  });

  bind(simulateRoute, async ({ tx, viewer, body, permissions, language }) => {
    const from = await findCallingLine(tx, body.line_id);
    if (!from) throw notFound('line_id');
    const talk_ms = body.talk_seconds * 1000;
    const simulated = await simulateCall(directory, tx, from, body.dialled, talk_ms);
    if (!simulated) throw notFound('line_id');
    const { line, verdict } = simulated;
    const destination = verdict.permitted ? verdict.permission.destination : verdict.destination;
    const described = {
      dialled: body.dialled,
      number: destination?.number ?? null,
      call_class: destination?.class ?? null,
      csp: destination?.csp ?? null,
      area_code: line.area_code,
      billing_mode: line.subscriber.billing_mode,
      limits: verdict.permitted ? verdict.permission.claims : [],
      sales_plan_id: line.plan_id,
      sales_plan_name: from.sales_plan_name,
      loss: verdict.permitted && verdict.permission.loss,
    };
    const reader = { role: viewer.tenant.role, permissions };
    const t = (both: string) => inLanguage(both, language);
    const { receipt, reply } = present(described, simulated.facts ?? nothing(talk_ms), reader, t);
    const refusal = verdict.permitted ? null : verdict.refusal;
    return {
      ...reply,
      permitted: verdict.permitted,
      refusal: refusal && { reason: refusal.reason, detail: refusal.detail ?? null },
      ...(reply.total_micros === undefined
        ? {}
        : { covered: verdict.permitted && (await canPay(tx, line, receipt.total_micros)) }),
    };
  });
}

/** The bill of a call that does not take place. */
function nothing(talk_ms: number): ReceiptFacts {
  return {
    rate: null,
    wholesale: null,
    cost: null,
    slot: null,
    talk_ms,
    grant: { bundle_seconds: 0, paid_seconds: 0 },
    cycles: ['', ''],
  };
}
