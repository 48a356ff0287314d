/** A timeline row as a sentence. The explorer makes the words; here they get a capital, an end and a subject. Pure. */
export interface Told {
  readonly sentence: string;
  readonly solutionId: number | null;
}

/** Words get a capital; names (`web-1`) stay as their owner wrote them. */
const capital = (text: string): string => (/^[a-z]+([\s:,]|$)/.test(text) ? text.charAt(0).toUpperCase() + text.slice(1) : text);

/** Subject first: in a feed of the whole grid a solution's row must name its solution. */
export function sentence(row: Told, options: { readonly nameOf?: (solutionId: number) => string | undefined; readonly inSolution?: boolean } = {}): string {
  const name = row.solutionId === null || options.inSolution === true ? undefined : (options.nameOf?.(row.solutionId) ?? `solution ${row.solutionId}`);
  const named = name !== undefined && !row.sentence.startsWith(`"${name}"`);
  // A name is written as its owner wrote it; a sentence of its own starts with a capital.
  const text = named ? `${name}: ${row.sentence}` : capital(row.sentence);
  return /[.!?]$/.test(text) ? text : `${text}.`;
}
