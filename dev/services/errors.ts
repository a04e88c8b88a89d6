/** A service is neither on this machine nor can it be put there. The message says what to do. */
export class MissingServiceError extends Error {
  override readonly name = 'MissingServiceError';
  readonly service: string;
  readonly remedy: string;

  constructor(service: string, reason: string, remedy: string) {
    super(`${service} is missing: ${reason}. ${remedy}`);
    this.service = service;
    this.remedy = remedy;
  }
}

/** A started service ended by itself, or refused to start. The message ends with its last words. */
export class ServiceFailedError extends Error {
  override readonly name = 'ServiceFailedError';
}

/** A condition did not come true in time. */
export class WaitTimeoutError extends Error {
  override readonly name = 'WaitTimeoutError';

  constructor(what: string, timeout_ms: number) {
    super(`waited ${timeout_ms} ms in vain for: ${what}`);
  }
}

/** A command that was run to its end failed. The message ends with its last words. */
export class CommandFailedError extends Error {
  override readonly name = 'CommandFailedError';
  readonly output: string;

  constructor(command: string, outcome: string, output: string) {
    super(`${command}: ${outcome}\n${lastLines(output, 15)}`);
    this.output = output;
  }
}

/** The last `count` lines of a text, for messages that must stay readable. */
export function lastLines(text: string, count: number): string {
  return text.trimEnd().split('\n').slice(-count).join('\n');
}

/** The message of whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
