/** Ascending list of distinct keys with cheap range starts; insertion moves memory, which is fast up to some 10^5 keys. */
export class SortedKeys {
  readonly #keys: string[];

  constructor(ascending: readonly string[] = []) {
    this.#keys = [...ascending];
  }

  copy(): SortedKeys {
    return new SortedKeys(this.#keys);
  }

  get size(): number {
    return this.#keys.length;
  }

  at(index: number): string | undefined {
    return this.#keys[index];
  }

  /** Index of the first key that is not smaller. */
  seek(key: string): number {
    let low = 0;
    let high = this.#keys.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#keys[middle] as string) < key) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  add(key: string): void {
    const last = this.#keys[this.#keys.length - 1];
    if (last === undefined || last < key) {
      this.#keys.push(key);
      return;
    }
    const index = this.seek(key);
    if (this.#keys[index] !== key) this.#keys.splice(index, 0, key);
  }

  delete(key: string): void {
    const index = this.seek(key);
    if (this.#keys[index] === key) this.#keys.splice(index, 1);
  }
}
