/** The pages that are made from code. */
import { apiPage } from "./api.ts";
import { composePage } from "./compose.ts";
import { errorsPage } from "./errors.ts";
import { limitsPage } from "./limits.ts";

export interface Page {
  /** Inside the repository. */
  readonly path: string;
  readonly text: string;
  readonly rows: number;
}

export async function generatedPages(): Promise<readonly Page[]> {
  return [await errorsPage(), await limitsPage(), composePage(), apiPage()];
}
