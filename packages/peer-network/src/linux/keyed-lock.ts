/** One operation at a time per key; operations of different keys run side by side. */
export interface KeyedLock {
  run<T>(key: string, operation: () => Promise<T>): Promise<T>;
}

export function keyedLock(): KeyedLock {
  const tails = new Map<string, Promise<unknown>>();
  return {
    run: (key, operation) => {
      const before = tails.get(key) ?? Promise.resolve();
      const result = before.then(operation, operation);
      const tail = result.catch(() => undefined).then(() => {
        if (tails.get(key) === tail) tails.delete(key);
      });
      tails.set(key, tail);
      return result;
    },
  };
}
