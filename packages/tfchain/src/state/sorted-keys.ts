/** Ascending distinct keys in buckets: to add one moves at most a bucket's worth of memory, however many there are. */
export class SortedKeys {
  /** None is empty, but the only one may be. */
  #buckets: string[][] = [[]];

  copy(): SortedKeys {
    const copy = new SortedKeys();
    copy.#buckets = this.#buckets.map((bucket) => [...bucket]);
    return copy;
  }

  /** The first key at or after this one. */
  seek(key: string): string | undefined {
    const at = this.#bucketOf(key);
    const bucket = this.#buckets[at] as string[];
    return bucket[lowerBound(bucket, key)] ?? this.#buckets[at + 1]?.[0];
  }

  /** The first key after this one. */
  after(key: string): string | undefined {
    const at = this.#bucketOf(key);
    const bucket = this.#buckets[at] as string[];
    const index = lowerBound(bucket, key);
    return bucket[bucket[index] === key ? index + 1 : index] ?? this.#buckets[at + 1]?.[0];
  }

  /** From a key on; keys may not come or go meanwhile. */
  *from(key: string): Iterable<string> {
    let at = this.#bucketOf(key);
    let index = lowerBound(this.#buckets[at] as string[], key);
    for (; at < this.#buckets.length; at += 1, index = 0) {
      const bucket = this.#buckets[at] as string[];
      for (; index < bucket.length; index += 1) yield bucket[index] as string;
    }
  }

  add(key: string): void {
    const at = this.#bucketOf(key);
    const bucket = this.#buckets[at] as string[];
    const index = lowerBound(bucket, key);
    if (bucket[index] === key) return;
    if (index === bucket.length) bucket.push(key);
    else bucket.splice(index, 0, key);
    if (bucket.length > BUCKET_KEYS) this.#buckets.splice(at + 1, 0, bucket.splice(bucket.length >> 1));
  }

  delete(key: string): void {
    const at = this.#bucketOf(key);
    const bucket = this.#buckets[at] as string[];
    const index = lowerBound(bucket, key);
    if (bucket[index] !== key) return;
    bucket.splice(index, 1);
    if (bucket.length === 0 && this.#buckets.length > 1) this.#buckets.splice(at, 1);
  }

  /** The last bucket that begins at or before the key; the first, when none does. */
  #bucketOf(key: string): number {
    let low = 0;
    let high = this.#buckets.length;
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if (((this.#buckets[middle] as string[])[0] as string) <= key) low = middle;
      else high = middle;
    }
    return low;
  }
}

const BUCKET_KEYS = 512;

/** Index of the first key that is not smaller. */
function lowerBound(keys: readonly string[], key: string): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((keys[middle] as string) < key) low = middle + 1;
    else high = middle;
  }
  return low;
}
