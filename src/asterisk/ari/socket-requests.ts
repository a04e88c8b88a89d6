import { randomUUID } from 'node:crypto';
import type WebSocket from 'ws';

/** To the switch its answers are events like others, which its filter has to let through. */
export const RESPONSE_TYPE = 'RESTResponse';

/** What ARI answered to a request, over HTTP or over the event socket. */
export interface AriResponse {
  readonly status: number;
  readonly body: string;
}

export interface SocketRequests {
  /**
   * Asks over the event socket. Asterisk works such requests off one after the other: for those that are done at once.
   * Rejects when no answer comes in time, and when the socket is lost.
   */
  request(method: string, path: string): Promise<AriResponse>;
  /** Whether this message of the socket was the answer to a request, which has it now. */
  takes(message: object): boolean;
  /** The socket is gone: nobody answers any more. */
  lose(reason: Error): void;
}

interface Waiting {
  readonly resolve: (response: AriResponse) => void;
  readonly reject: (reason: Error) => void;
  readonly timer: NodeJS.Timeout;
}

interface RestResponse {
  type?: unknown;
  request_id?: unknown;
  status_code?: unknown;
  message_body?: unknown;
}

/** One write instead of a request's own, no headers, and no second connection that Asterisk has to serve. */
export function createSocketRequests(socket: WebSocket, timeout_ms: number): SocketRequests {
  const prefix = randomUUID().slice(0, 8);
  const waiting = new Map<string, Waiting>();
  let asked = 0;

  function take(request_id: string): Waiting | undefined {
    const found = waiting.get(request_id);
    waiting.delete(request_id);
    clearTimeout(found?.timer);
    return found;
  }

  return {
    request(method, path) {
      asked += 1;
      const request_id = `${prefix}-${asked}`;
      return new Promise((resolve, reject) => {
        const late = () => take(request_id)?.reject(new Error(`ARI ${method} ${path} timed out`));
        waiting.set(request_id, { resolve, reject, timer: setTimeout(late, timeout_ms) });
        const uri = path.replace(/^\//, '');
        socket.send(JSON.stringify({ type: 'RESTRequest', request_id, method, uri }), (error) => {
          if (error) take(request_id)?.reject(error);
        });
      });
    },
    takes(message) {
      const { type, request_id, status_code, message_body } = message as RestResponse;
      if (type !== RESPONSE_TYPE) return false;
      take(String(request_id))?.resolve({ status: Number(status_code), body: String(message_body ?? '') });
      return true;
    },
    lose(reason) {
      for (const request_id of [...waiting.keys()]) take(request_id)?.reject(reason);
    },
  };
}
