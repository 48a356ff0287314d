import { defineErrors } from "@tfgrid/primitives";

export const notaryErrors = defineErrors({
  "notary.bad_config": {
    summary: "The notary's configuration is not valid.",
    cure: "Correct the field named in the message.",
  },
  "notary.cannot_listen": {
    summary: "The notary cannot listen on the configured address.",
    cure: "Choose a free port and an address of this machine, then start the notary again.",
  },
  "notary.not_found": {
    summary: "No notary holds this document.",
    cure: "Check the content id; a document that no active contract names is deleted after the grace period and must be stored again by its author.",
  },
  "notary.forbidden": {
    summary: "This twin may not do that with the document.",
    cure: "Only the author, its listed readers and those whom the contract on the chain names may read it: ask the author to add you.",
  },
  "notary.altered": {
    summary: "The document or a signature does not match its content id.",
    cure: "Do not use it. Fetch it from another notary or ask its author to store it again.",
  },
  "notary.not_canonical": {
    summary: "The bytes are not one canonical DAG-CBOR document of a known kind.",
    cure: "Encode the document with the schemas of this room (solution/v1 or instruction/v1).",
  },
  "notary.wrong_cid": {
    summary: "The content id in the address is not that of the bytes.",
    cure: "Compute the content id over exactly the bytes that are sent.",
  },
  "notary.too_large": {
    summary: "The document is larger than the notary keeps.",
    cure: "Make the document smaller: move large files into the image.",
  },
  "notary.bad_signature": {
    summary: "The signature does not fit the document and the twin's key on the chain.",
    cure: "Sign the content id's bytes under the domain tfgrid/document/v1 with the twin's own key.",
  },
  "notary.unauthorized": {
    summary: "The request is not signed as the notary requires.",
    cure: "Sign the request under the domain tfgrid/request/v1 with the key of a twin on the chain, for exactly this notary's address.",
  },
  "notary.replayed": {
    summary: "This signed request was used before.",
    cure: "Sign a new request with a new nonce.",
  },
  "notary.clock_skew": {
    summary: "The request's time is too far from the notary's.",
    cure: "Set the machine's clock, or sign with the notary's time from the details.",
  },
  "notary.too_many_requests": {
    summary: "More requests than one caller may make.",
    cure: "Wait a second and ask less often.",
  },
  "notary.quota_exceeded": {
    summary: "The twin keeps as many documents here as one twin may.",
    cure: "Cancel solutions that are no longer needed; their documents are deleted after the grace period.",
  },
  "notary.chain_unavailable": {
    summary: "The notary cannot read the chain and so cannot check who may do this.",
    cure: "Try again in a few seconds; if it lasts, the chain or the way to it is down.",
  },
  "notary.unreachable": {
    summary: "No notary answers.",
    cure: "Check that a notary runs at the configured addresses and try again.",
  },
  "notary.bad_request": {
    summary: "The request has not the form that the notary expects.",
    cure: "Use the client of this room, or correct the field named in the message.",
  },
  "notary.failed": {
    summary: "The notary failed while it worked on the request.",
    cure: "Try again; if it lasts, the cause is in the notary's own log.",
  },
});
