import { z } from 'zod';
import { BRAKE_MODES } from './domain/brake.ts';

const schema = z.object({
  DATABASE_URL: z.url({ protocol: /^postgres(ql)?$/ }),
  REDIS_URL: z.url({ protocol: /^rediss?$/ }),
  /** Every switch's access to the control plane's user is derived from it; keep it, and keep it secret. */
  PABX_SECRET: z.string().min(32, 'at least 32 characters, for example from: openssl rand -base64 32'),
  /** Origins of the panel, with commas between them; empty: whatever host was asked. */
  PUBLIC_ORIGINS: z
    .string()
    .default('')
    .transform((text) => text.split(',').flatMap((part) => part.trim() || []))
    .pipe(z.array(z.url({ protocol: /^https?$/ }).transform((url) => new URL(url).origin))),
  /** A proxy in front tells the caller's address as X-Forwarded-For; otherwise anybody could make one up. */
  TRUST_PROXY: z.stringbool().default(false),
  /** Opens /metrics to whoever sends it as bearer; without it only this machine may read them. */
  METRICS_TOKEN: z.string().min(16).optional(),
  SESSION_IDLE_MINUTES: z.coerce.number().int().min(5).max(1_440).default(120),
  SESSION_HOURS: z.coerce.number().int().min(1).max(168).default(12),
  VIACEP_URL: z.url({ protocol: /^https?$/ }).default('https://viacep.com.br'),
  BRASILAPI_URL: z.url({ protocol: /^https?$/ }).default('https://brasilapi.com.br'),
  HOST: z.string().default('127.0.0.1'),
  PORT: z.coerce.number().int().min(0).max(65_535).default(8080),
  LOG_LEVEL: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info'),
  SLICE_SECONDS: z.coerce.number().int().min(1).max(3_600).default(60),
  LEAD_SECONDS: z.coerce.number().min(0.5).max(60).default(10),
  /** What happens to calls that look like fraud, where a reseller has not said otherwise of its subscriber. */
  BRAKE_MODE: z.enum(BRAKE_MODES).default('BRAKE'),
  /** Hours in São Paulo in which calls are a little more suspicious, from the first up to the second. */
  BRAKE_NIGHT_HOURS: z
    .string()
    .regex(/^([01]?\d|2[0-3])-([01]?\d|2[0-3])$/, 'two hours such as 22-6')
    .default('22-6')
    .transform((text) => text.split('-').map(Number))
    .transform(([from = 0, to = 0]) => ({ from, to })),
  GRACE_SECONDS: z.coerce.number().int().min(1).max(30).default(2),
});

export type Config = z.infer<typeof schema>;

/** Names every setting that is missing or wrong; values stay out of the message, they may be secrets. */
export class ConfigError extends Error {
  override name = 'ConfigError';
}

/** Reads the settings of the service from its environment. Throws ConfigError. */
export function readConfig(environment: NodeJS.ProcessEnv = process.env): Config {
  const result = schema.safeParse(environment);
  if (result.success) return result.data;
  const problems = result.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
  throw new ConfigError(`the service cannot start:\n  ${problems.join('\n  ')}`);
}
