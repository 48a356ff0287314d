/** A small ustar writer: regular files, folders and symbolic links, all times zero, so that equal input gives equal bytes. */
export interface TarEntry {
  readonly path: string;
  readonly mode: number;
  readonly uid?: number;
  readonly gid?: number;
  readonly bytes?: Uint8Array;
  readonly linkTo?: string;
  readonly folder?: boolean;
}

const BLOCK = 512;

export function* tarBlocks(entries: readonly TarEntry[]): Generator<Uint8Array> {
  for (const entry of entries) {
    yield header(entry);
    const bytes = entry.bytes ?? new Uint8Array();
    yield bytes;
    const rest = bytes.length % BLOCK;
    if (rest > 0) yield new Uint8Array(BLOCK - rest);
  }
  yield new Uint8Array(2 * BLOCK);
}

function header(entry: TarEntry): Uint8Array {
  const block = new Uint8Array(BLOCK);
  const put = (text: string, offset: number, length: number): void => {
    const bytes = new TextEncoder().encode(text);
    if (bytes.length > length) throw new Error(`too long for a tar header: ${text}`);
    block.set(bytes, offset);
  };
  const octal = (value: number, offset: number, length: number): void =>
    put(`${value.toString(8).padStart(length - 1, "0")}\0`, offset, length);
  const { name, prefix } = splitPath(entry.folder === true ? `${entry.path}/` : entry.path);
  put(name, 0, 100);
  octal(entry.mode, 100, 8);
  octal(entry.uid ?? 0, 108, 8);
  octal(entry.gid ?? 0, 116, 8);
  octal(entry.bytes?.length ?? 0, 124, 12);
  octal(0, 136, 12);
  put("        ", 148, 8);
  put(entry.linkTo !== undefined ? "2" : entry.folder === true ? "5" : "0", 156, 1);
  put(entry.linkTo ?? "", 157, 100);
  // "ustar", zero, version "00".
  put("ustar", 257, 6);
  put("00", 263, 2);
  put(prefix, 345, 155);
  const sum = block.reduce((total, byte) => total + byte, 0);
  put(`${sum.toString(8).padStart(6, "0")}\0 `, 148, 8);
  return block;
}

/** A path of more than 100 bytes is split at a slash into prefix and name. */
function splitPath(path: string): { name: string; prefix: string } {
  if (Buffer.byteLength(path) <= 100) return { name: path, prefix: "" };
  for (let slash = path.indexOf("/"); slash >= 0; slash = path.indexOf("/", slash + 1)) {
    const name = path.slice(slash + 1);
    if (name !== "" && Buffer.byteLength(name) <= 100) return { name, prefix: path.slice(0, slash) };
  }
  throw new Error(`no place to split ${path}`);
}
