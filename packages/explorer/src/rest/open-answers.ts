/** Long lists that readers have not taken yet: kept in memory until they have, so there is a bound for all together. */
import type { ServerResponse } from "node:http";
import { fail } from "../errors.ts";
import { EXPLORER_LIMITS as L } from "../limits.ts";

export interface OpenAnswers {
  /** Counts the rows until the reader has them or is gone. @throws GridError explorer.busy */
  take(rows: number, response: Pick<ServerResponse, "once">): void;
}

export function openAnswers(maxRows: number = L.maxOpenRows): OpenAnswers {
  let open = 0;
  return {
    take: (rows, response) => {
      // Short pages always go out: a few long answers must not silence the page.
      if (rows > L.defaultPageSize && open + rows > maxRows) throw fail("explorer.busy");
      open += rows;
      response.once("close", () => (open -= rows));
    },
  };
}
