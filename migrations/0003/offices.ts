/* Long work that somebody asked for: the row is the truth, the queue only rings the bell. */
const jobs = `
  create table jobs (
    id uuid primary key default gen_random_uuid(),
    kind text not null check (kind in ('IMPORT_DECK', 'RE_RATE')),
    reseller_id uuid references resellers,
    author text not null,
    state text not null default 'QUEUED' check (state in ('QUEUED', 'RUNNING', 'DONE', 'FAILED')),
    done integer not null default 0 check (done >= 0),
    total integer check (total >= 0),
    params jsonb not null,
    input bytea,
    result jsonb,
    faults jsonb,
    created_at timestamptz not null default clock_timestamp(),
    started_at timestamptz,
    finished_at timestamptz
  );
  create index on jobs (reseller_id, created_at);
  create index on jobs (created_at) where state in ('QUEUED', 'RUNNING');
`;

const proofs = `
  create table ledger_proofs (
    id bigint generated always as identity primary key,
    at timestamptz not null default clock_timestamp(),
    differences integer not null check (differences >= 0),
    found jsonb not null
  );
`;

export const offices = [jobs, proofs];
