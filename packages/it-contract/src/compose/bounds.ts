/** The document's own bounds, under which everything read here must stay. */
import { documents } from "@tfgrid/notary";
import { chain } from "@tfgrid/tfchain";

export const DOCUMENT_BOUNDS = documents.DOCUMENT_LIMITS;
export const LEDGER_BOUNDS = chain.LIMITS;
