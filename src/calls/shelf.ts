/** What is kept in memory and could be more than there is room for. */
export interface Shelf<T> {
  get(key: string): T | undefined;
  set(key: string, value: T): void;
  delete(key: string): void;
}

const MOST_KEPT = 20_000;

/** Lets go of what was not set for longest. */
export function createShelf<T>(): Shelf<T> {
  const map = new Map<string, T>();
  return {
    get: (key) => map.get(key),
    set(key, value) {
      map.delete(key);
      map.set(key, value);
      const [oldest] = map.keys();
      if (map.size > MOST_KEPT && oldest !== undefined) map.delete(oldest);
    },
    delete: (key) => void map.delete(key),
  };
}
