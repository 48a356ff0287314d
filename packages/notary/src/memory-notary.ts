/** A notary without network and disk, for simulations: the same core and checks. */
import { cidOf, type Clock, encode, type KeyPair, systemClock, type TwinId } from "@tfgrid/primitives";
import type { ChainReader, Twin } from "@tfgrid/tfchain";
import type { NotaryClient } from "./client.ts";
import { notaryCore } from "./core/notary.ts";
import { ownLedger } from "./core/ledger.ts";
import { notaryErrors } from "./errors.ts";
import { memoryStore } from "./store/memory-store.ts";
import { cidBytes } from "./wire.ts";

export function memoryNotary(options: { readonly chain: ChainReader; readonly clock?: Clock }): NotaryClient {
  const { chain, clock = systemClock } = options;
  const core = notaryCore({ store: memoryStore(), ledger: ownLedger(chain), clock });
  const sender = async (signer: KeyPair, twinId: TwinId): Promise<Twin> => {
    const twin = await chain.twin(twinId);
    if (twin === undefined || twin.account !== signer.account) throw notaryErrors.fail("notary.unauthorized", { details: { twinId } });
    return twin;
  };
  return {
    put: async ({ schema, value, signer, twinId, readers }) => {
      const bytes = encode(schema, value);
      const cid = cidOf(bytes);
      const signature = signer.sign("tfgrid/document/v1", cidBytes(cid));
      await core.put({ twin: await sender(signer, twinId), cid, bytes, readers, signature });
      return cid;
    },
    sign: async ({ cid, signer, twinId }) => {
      const signature = signer.sign("tfgrid/document/v1", cidBytes(cid));
      await core.sign({ twin: await sender(signer, twinId), cid, signature, hint: {} });
    },
    get: async ({ cid, signer, twinId, contractId, solutionId }) =>
      core.get({
        twin: await sender(signer, twinId),
        cid,
        hint: { ...(contractId === undefined ? {} : { contractId }), ...(solutionId === undefined ? {} : { solutionId }) },
      }),
  };
}
