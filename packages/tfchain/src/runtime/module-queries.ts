/** Reads of the modules beside twins, farms, nodes, contracts and solutions. */
import { discountOf, stakes } from "./accounts/stake.ts";
import { readSupply } from "./accounts/supply.ts";
import type { RentContract } from "../types/entities.ts";
import type { StateQueries, StateReader } from "./api.ts";
import { rentOf } from "./contracts/rent.ts";
import { contracts, rentIdByNode } from "./contracts/store.ts";
import { usages } from "./contracts/usage.ts";
import { farmOffers, readPayout } from "./farms/property.ts";
import { listParameters } from "./governance/parameters.ts";
import { proposals } from "./governance/store.ts";
import { readBlockTimeMs } from "./nodes/pulse.ts";
import { nodes } from "./nodes/store.ts";
import { readCharter, readPolicy } from "./policy/store.ts";
import { priceView } from "./pricing/feed.ts";
import { reputationOf } from "./reputation/score.ts";
import { receiptsOf } from "./rewards/books.ts";
import { services } from "./services/store.ts";
import { paging } from "./store/paging.ts";
import { feeView } from "./transactions/fee.ts";
import { twinOffers } from "./twins/move.ts";
import { acceptedTerms } from "./twins/terms.ts";
import { validatorsQueries } from "./validators/queries.ts";

type ModuleQuery = "policy" | "charter" | "supply" | "stake" | "discount" | "acceptedTerms" | "twinOffer" | "farmPayout" | "farmOffer" | "usage" | "rentByNode" | "service" | "services" | "parameters" | "proposal" | "proposals" | "price" | "rewards" | "reputation" | "fee" | "validatorSet" | "rents" | "nodeReputations" | "misbehaviours";

export function moduleQueries(state: StateReader): Pick<StateQueries, ModuleQuery> {
  return {
    ...validatorsQueries(state),
    policy: () => readPolicy(state),
    charter: () => readCharter(state),
    supply: () => readSupply(state),
    stake: (twinId) => stakes.get(state, twinId),
    discount: (twinId) => discountOf(state, twinId, readBlockTimeMs(state)),
    acceptedTerms: (twinId) => acceptedTerms.get(state, twinId),
    farmPayout: (farmId) => readPayout(state, farmId),
    farmOffer: (farmId) => farmOffers.get(state, farmId),
    usage: (contractId) => usages.get(state, contractId),
    rentByNode: (nodeId) => rentOf(state, nodeId),
    rents: (page) => rentIdByNode.list(state, paging(page)).flatMap((id) => (contracts.get(state, id) as RentContract | undefined) ?? []),
    service: (id) => services.get(state, id),
    services: (page) => services.list(state, paging(page)),
    parameters: () => listParameters(state),
    proposal: (id) => proposals.get(state, id),
    proposals: (page) => proposals.list(state, paging(page)),
    price: () => priceView(state, readBlockTimeMs(state)),
    rewards: (nodeId) => receiptsOf(nodeId).list(state),
    reputation: (subject) => reputationOf(state, subject, readBlockTimeMs(state)),
    nodeReputations: (page) =>
      nodes.list(state, paging(page)).map(({ id: nodeId }) => {
        const { score, confidence } = reputationOf(state, { nodeId }, readBlockTimeMs(state));
        return { nodeId, score, confidence };
      }),
    fee: () => feeView(state),
    twinOffer: (twinId) => twinOffers.get(state, twinId),
  };
}
