import { z } from 'zod';

const schema = z.object({
  DATABASE_URL: z.url({ protocol: /^postgres(ql)?$/ }),
  REDIS_URL: z.url({ protocol: /^rediss?$/ }),
  /** Every switch's access to the control plane's user is derived from it; keep it, and keep it secret. */
  PABX_SECRET: z.string().min(32, 'at least 32 characters, for example from: openssl rand -base64 32'),
  HOST: z.string().default('127.0.0.1'),
  PORT: z.coerce.number().int().min(0).max(65_535).default(8080),
  LOG_LEVEL: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info'),
  SLICE_SECONDS: z.coerce.number().int().min(1).max(3_600).default(60),
  LEAD_SECONDS: z.coerce.number().min(0.5).max(60).default(10),
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
