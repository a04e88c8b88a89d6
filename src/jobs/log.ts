/** Structured log, as pino writes it: fields first, then a sentence. */
export interface Log {
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}
