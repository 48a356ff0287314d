import { decode } from "@tfgrid/primitives";
import { type SolutionDocument, type StoredDocument, documents } from "@tfgrid/notary";

/** @throws GridError codec.* when the stored bytes are no solution document */
export function parseSolution(stored: StoredDocument): SolutionDocument {
  return decode(documents.solutionDocument, stored.bytes, { maxBytes: documents.DOCUMENT_LIMITS.documentBytes });
}
