/** The part of asterisk-manager that is used; the package brings no types. */
declare module 'asterisk-manager' {
  import type { EventEmitter } from 'node:events';

  type Message = Record<string, string | string[] | undefined>;
  type Callback = (error: Message | Error | null | undefined, response?: Message) => void;

  interface Manager extends EventEmitter {
    connect(port: number, host: string, connected: () => void): void;
    login(callback: (error?: Message | Error | null) => void): void;
    action(action: Record<string, string>, callback: Callback): string;
    disconnect(): void;
  }
  interface ManagerConstructor {
    new (port: null, host: string, user: string, password: string, events: boolean): Manager;
  }
  const Manager: ManagerConstructor;
  export default Manager;
}
