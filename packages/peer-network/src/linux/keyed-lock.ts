/** One operation at a time per key; operations of different keys run side by side. */
export interface KeyedLock {
  run<T>(key: string, operation: () => Promise<T>): Promise<T>;
}

export function keyedLock(): KeyedLock {
  const tails = new Map<string, Promise<unknown>>();
  return {
    run: (key, operation) => {
      const result = after(tails.get(key), operation);
      tails.set(key, result);
      const tidy = (): void => {
        if (tails.get(key) === result) tails.delete(key);
      };
      result.then(tidy, tidy);
      return result;
    },
  };
}

async function after<T>(before: Promise<unknown> | undefined, operation: () => Promise<T>): Promise<T> {
  // The one before has its own caller, who hears of its failure.
  await before?.catch(() => undefined);
  return operation();
}
