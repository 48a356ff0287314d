/** Every reason for which the ledger refuses. Codes are stable: programs branch on them. */
import { defineErrors } from "@tfgrid/primitives";

export const runtimeErrors = defineErrors({
  "tx.wrong_chain": {
    summary: "The transaction was made for another chain.",
    cure: "Sign it again with the chain id that the ledger's head names.",
  },
  "tx.expired": {
    summary: "The transaction's last height or time has passed.",
    cure: "Sign it again with a later expiresAtHeight (and expiresAtMs); it was not carried out and will not be.",
  },
  "tx.bad_nonce": {
    summary: "The transaction does not carry the account's next number.",
    cure: "Read the account's nonce and sign again; a smaller number means that a transaction with it was taken already.",
  },
  "tx.insufficient_balance": {
    summary: "The account cannot pay the transaction's fee.",
    cure: "Send TFT to this account; a new node needs none when it registers with its farmer's valid join token.",
  },
  "tx.fee_above_max": {
    summary: "The fee has risen above what the transaction offers.",
    cure: "Wait until blocks are emptier, or sign again with a higher maxFeeUnits.",
  },
  "tx.rate_limited": {
    summary: "The free transactions of this minute are used up.",
    cure: "Wait for the next minute and put several reports into one batch, or pay the fee from the account's balance.",
  },
  "tx.too_many_calls": {
    summary: "The batch has more calls than the ledger allows.",
    cure: "Split it into batches of at most params.maxCallsPerTx calls.",
  },
  "tx.failed": {
    summary: "The ledger's own program failed on this transaction; nothing but its fee was carried out.",
    cure: "Report it with the transaction's hash and details.reason: it is a bug of the ledger. The same work in other calls may succeed.",
  },
  "tx.upgrading": {
    summary: "The ledger is being upgraded and takes no transactions meanwhile.",
    cure: "Sign it again and submit it in a few seconds; its number is not used.",
  },
  "chain.upgrade_needed": {
    summary: "The ledger follows rules that this program does not know.",
    cure: "Install the release that the message names on this machine and start again with the same data folder.",
  },
  "genesis.invalid": {
    summary: "The genesis cannot start a chain.",
    cure: "Correct what the message names; defaultGenesis() makes a valid one.",
  },
  "accounts.insufficient_balance": {
    summary: "The account does not have enough free TFT.",
    cure: "Send TFT to the account, or ask for less: details name what is there and what is needed.",
  },
  "accounts.no_such_level": { summary: "There is no such level of stake.", cure: "Choose one of policy.stake.levels." },
  "accounts.no_stake": { summary: "The twin has staked nothing.", cure: "Stake an amount above 0 first (accounts.stake)." },
  "accounts.stake_too_short": {
    summary: "The stake would unlock sooner than it does now.",
    cure: "Choose a longer level, or wait until the present lock is nearer to its end.",
  },
  "accounts.stake_locked": { summary: "The stake is still locked.", cure: "Wait until details.unlocksAtMs." },
  "twins.bad_rotation_proof": {
    summary: "The new key has not agreed to take over the twin, or too long ago.",
    cure: "Sign {chainId, twinId, account, expiresAtMs} with the new key under tfgrid/rotate-key/v1.",
  },
  "twins.not_offered": { summary: "The twin is not offered to this key.", cure: "Ask its holder for twins.offer with this account." },
  "twins.still_needed": { summary: "Something still depends on the twin.", cure: "End or transfer what details.open names, then close." },
  "twins.other_terms": { summary: "These terms are not the ones in force.", cure: "Read the charter and accept the version that it names." },
  "twins.terms_not_accepted": {
    summary: "The twin has not accepted the terms in force.",
    cure: "Read the document, then accept it with twins.accept_terms.",
  },
  "twins.not_found": { summary: "There is no such twin.", cure: "Check the twin id; twins are made with twins.create." },
  "twins.unknown_signer": {
    summary: "The signing account has no twin.",
    cure: "Put twins.create into the same batch before this call, or sign with the twin's key.",
  },
  "twins.already_exists": { summary: "The account has a twin already.", cure: "Use that twin, or twins.update to change it." },
  "farms.not_found": { summary: "There is no such farm.", cure: "Check the farm id; farms are made with farms.create." },
  "farms.not_owner": { summary: "The farm belongs to another twin.", cure: "Sign with the key of the farm's twin." },
  "farms.name_taken": { summary: "Another farm has this name.", cure: "Choose another name." },
  "farms.bad_ip": {
    summary: "This cannot be a public address of a farm.",
    cure: "Give a unicast address with prefix length, and a gateway in the same range that is another address.",
  },
  "farms.ip_exists": { summary: "The farm has this address.", cure: "Nothing to do; remove it first to change its gateway." },
  "farms.ip_not_found": { summary: "The farm does not have this address.", cure: "Read the farm: it lists its addresses." },
  "farms.ip_in_use": { summary: "A contract uses the address.", cure: "Wait until the contract named in details ends." },
  "farms.too_many_ips": { summary: "The farm has as many addresses as one may have.", cure: "Use a second farm for more." },
  "farms.price_out_of_range": { summary: "Governance does not allow this price.", cure: "Choose percentages within policy.farmPricing: details name the range." },
  "farms.has_nodes": { summary: "The farm still has nodes.", cure: "Delete its nodes first (nodes.delete), or transfer the farm (farms.offer)." },
  "farms.not_offered": { summary: "The farm is not offered to this twin.", cure: "Ask its farmer for farms.offer with this twin." },
  "governance.not_a_certifier": { summary: "Only a certifier may do this.", cure: "Sign with the key of one of charter.certifiers." },
  "governance.not_a_feeder": { summary: "Only a price feeder may do this.", cure: "Sign with the key of one of charter.feeders." },
  "nodes.has_contracts": {
    summary: "Contracts still use the node.",
    cure: "Set it to drain with a notice, wait for its end, then delete it; more than 256 contracts must have moved away.",
  },
  "contracts.impossible_usage": {
    summary: "The reported traffic cannot be.",
    cure: "Report the counter since the contract began; it never falls and grows no faster than policy.usageMaxBytesPerSecond.",
  },
  "governance.not_found": { summary: "There is no such proposal.", cure: "Check its id." },
  "governance.unknown_parameter": { summary: "There is no such parameter.", cure: "Choose one of the list that `parameters` answers." },
  "governance.out_of_range": { summary: "The value is outside what the ledger allows.", cure: "Propose a value within the parameter's range." },
  "governance.bad_change": { summary: "The change cannot be carried out.", cure: "Correct what the message names." },
  "governance.too_many": { summary: "As many proposals as there may be are open.", cure: "Wait until one of them is closed." },
  "governance.not_voting": { summary: "The vote is over.", cure: "Nothing to do; make a new proposal to change the outcome." },
  "governance.not_locked": { summary: "The proposal is not in its time lock.", cure: "Vetoes count between the end of the vote and execution." },
  "governance.already_vetoed": { summary: "This farm or stake has vetoed.", cure: "Nothing to do: each counts once." },
  "governance.no_power": {
    summary: "This farm or stake has no weight in this vote.",
    cure: "A farm votes with nodes that are up and have proven at least as much time as a vote lasts; a stake when it was there before and is locked beyond the end.",
  },
  "nodes.violation_known": { summary: "Your word on this node counts already in this period.", cure: "Nothing to do: other certifiers must see it too." },
  "reputation.nothing_paid": {
    summary: "There is nothing new to review.",
    cure: "A review weighs what you have paid for this contract since your last one; farmers do not review themselves.",
  },
  "reputation.disputed_already": { summary: "This contract was disputed before.", cure: "Nothing to do: certifiers decide about the dispute in details." },
  "reputation.no_dispute": { summary: "There is no such dispute.", cure: "List them with `disputes`." },
  "reputation.resolved_already": { summary: "The dispute is resolved.", cure: "Nothing to do." },
  "reputation.decided_already": { summary: "You have said what you think of this dispute.", cure: "Nothing to do: each certifier counts once." },
  "nodes.not_found": { summary: "There is no such node.", cure: "Check the node id." },
  "nodes.not_this_node": { summary: "Only the node itself may say this.", cure: "Sign with the key of the node's twin." },
  "nodes.not_farmer": { summary: "Only the node's farmer may do this.", cure: "Sign with the key of the farm's twin." },
  "nodes.already_registered": {
    summary: "The twin is a node already.",
    cure: "Use nodes.update for this node, or a new key for another machine.",
  },
  "nodes.join_token_invalid": {
    summary: "The join token is not valid here.",
    cure: "Ask the farmer for a token for this chain and farm, signed with the key of the farm's twin.",
  },
  "nodes.join_token_expired": { summary: "The join token has expired.", cure: "Ask the farmer for a new token." },
  "nodes.total_below_reserved": {
    summary: "The node would have less capacity than its contracts hold.",
    cure: "Drain the node first (nodes.set_maintenance), then lower its capacity.",
  },
  "nodes.down": { summary: "The node is down.", cure: "Choose a node that is up, or wait for its next heartbeat." },
  "nodes.asleep": {
    summary: "The node sleeps, or is about to.",
    cure: "Choose another node, rent the whole node (which wakes it), or ask its farmer to switch it on (nodes.set_power).",
  },
  "nodes.not_empty": { summary: "A node with contracts is not switched off.", cure: "Drain it (nodes.set_maintenance) and wait until nothing is on it." },
  "nodes.not_asked_to_sleep": { summary: "The farmer does not want the node off.", cure: "Stay on; its farmer asks with nodes.set_power." },
  "nodes.cordoned": {
    summary: "The node takes no new contracts.",
    cure: "Choose another node, or wait until its farmer ends the maintenance.",
  },
  "contracts.node_rented": { summary: "Another twin rents the whole node.", cure: "Choose another node." },
  "contracts.node_in_use": { summary: "Contracts use the node.", cure: "Rent a node without node contracts." },
  "contracts.rent_in_use": { summary: "Contracts still use the rented node.", cure: "Cancel them first, then the rent." },
  "contracts.too_many_on_node": { summary: "The rented node has as many contracts as it may have.", cure: "Use larger ones, or rent another node." },
  "services.not_found": { summary: "There is no such service contract.", cure: "Check its id." },
  "services.ended": { summary: "The service contract has ended.", cure: "Make a new one with services.create." },
  "services.not_a_party": { summary: "The twin is neither side of the service contract.", cure: "Sign with the key of service or consumer." },
  "services.service_only": { summary: "Only the service may do this.", cure: "Sign with the key of the service's twin." },
  "services.same_party": { summary: "Both sides are one twin.", cure: "Name two twins." },
  "services.already_agreed": { summary: "Both sides have agreed.", cure: "Cancel it and make a new one for other fees." },
  "services.not_agreed": { summary: "Both sides have not agreed yet.", cure: "Wait for services.approve of both." },
  "services.stale_version": { summary: "The fees have changed since.", cure: "Read the contract again and approve its version." },
  "services.variable_too_high": { summary: "More is billed than the variable fee allows.", cure: "Bill at most details.mostUnits." },
  "contracts.not_found": { summary: "There is no such contract.", cure: "Check the contract id." },
  "contracts.not_active": { summary: "The contract has ended.", cure: "Stop what still runs for it; make a new contract to go on." },
  "contracts.not_owner": { summary: "The contract belongs to another twin.", cure: "Sign with the key of the contract's owner." },
  "contracts.not_a_node_contract": { summary: "The contract is not on a node.", cure: "Name a node contract." },
  "contracts.capacity_exceeded": {
    summary: "The node does not have the wanted resources free.",
    cure: "Choose another node or ask for less: details name what is free.",
  },
  "contracts.no_public_ip": {
    summary: "The node's farm has not enough free public addresses.",
    cure: "Choose a node of another farm, or ask for fewer addresses.",
  },
  "contracts.node_dedicated": {
    summary: "The node is for rent as a whole only.",
    cure: "Choose a node of a farm that is not dedicated.",
  },
  "contracts.not_a_gateway": { summary: "The node is not a web gateway.", cure: "Choose a node whose publicConfig has a domain." },
  "contracts.name_taken": { summary: "The name is in use.", cure: "Choose another name, or cancel the contract that holds it." },
  "contracts.bad_network": {
    summary: "A private network of the contract is not valid.",
    cure: "Name each network once, with a private range A.B.0.0/16 (10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16).",
  },
  "contracts.network_conflict": {
    summary: "A private network does not fit to the solution's other parts.",
    cure: "Use the range that the other parts use and a subnet index that no other node has.",
  },
  "contracts.unknown_version": {
    summary: "The report is about a version that the contract does not have.",
    cure: "Read the contract again and report the version that is applied.",
  },
  "contracts.version_without_solution": {
    summary: "A solution version is named, but the contract is not part of a solution.",
    cure: "Leave solutionVersion out, or name the solution.",
  },
  "contracts.part_of_solution": {
    summary: "A part of a solution has no deposit of its own.",
    cure: "Use depositUnits 0 and solutions.deposit.",
  },
  "contracts.deposit_too_small": {
    summary: "The deposit does not cover one settlement interval.",
    cure: "Deposit at least details.minimumUnits.",
  },
  "contracts.in_grace": { summary: "The contract is out of money.", cure: "Deposit first (contracts.deposit or solutions.deposit)." },
  "solutions.not_found": { summary: "There is no such solution.", cure: "Check the solution id." },
  "solutions.cancelled": { summary: "The solution has been cancelled.", cure: "Create a new solution." },
  "solutions.name_taken": {
    summary: "The owner has a solution of this name.",
    cure: "Choose another name, amend the existing solution, or cancel it first.",
  },
  "solutions.bad_signers": {
    summary: "Signers and thresholds do not fit together.",
    cure: "List each signer once and keep every threshold within the sum of the weights.",
  },
  "solutions.agent_conflict": {
    summary: "The agent is the owner or one of the signers.",
    cure: "Name an agent with a twin of its own: it carries out what others agreed to.",
  },
  "solutions.not_a_signer": {
    summary: "The twin is not among the solution's signers.",
    cure: "Sign with the key of one of the signers; the solution lists them.",
  },
  "solutions.already_signed": { summary: "The twin has signed this change.", cure: "Nothing to do: wait for the other signers." },
  "solutions.nothing_pending": {
    summary: "No change waits for signatures.",
    cure: "Propose one with solutions.amend or solutions.cancel.",
  },
  "solutions.stale_version": {
    summary: "The call is about another version than the solution.",
    cure: "Read the solution again: details name the version and document that count now.",
  },
  "solutions.not_accepted": {
    summary: "The solution still lacks signatures.",
    cure: "Wait until the provision threshold is reached.",
  },
  "solutions.agent_only": {
    summary: "Only the solution's agent may do this.",
    cure: "Change the solution itself (solutions.amend or solutions.cancel); its agent carries that out.",
  },
  "solutions.paused": { summary: "The solution is out of money.", cure: "Deposit with solutions.deposit." },
  "solutions.over_budget": {
    summary: "The parts would cost more per hour than the signers agreed to.",
    cure: "Use less, or raise the budget with solutions.amend.",
  },
  "solutions.escrow_empty": {
    summary: "The solution's deposit does not cover one settlement interval.",
    cure: "Deposit the missing units with solutions.deposit.",
  },
  "solutions.too_many_parts": {
    summary: "The solution has as many parts as one may have.",
    cure: "Cancel parts, use larger ones, or split the architecture into two solutions.",
  },
  "solutions.network_unknown": {
    summary: "The private network is not known yet.",
    cure: "Wait until a part with this network runs, and check the network's name.",
  },
  "solutions.member_exists": {
    summary: "A member of this name or key is in the network.",
    cure: "Remove it first with solutions.remove_member, or choose another name.",
  },
  "solutions.member_not_found": { summary: "There is no such member.", cure: "Read the solution: it lists its members." },
  "solutions.too_many_members": { summary: "The network has no room for another member.", cure: "Remove members that are not used." },
  "notary.not_a_party": {
    summary: "The twin has nothing to do with this contract or solution.",
    cure: "Anchor without naming it, or sign with the key of owner, agent, signer or node.",
  },
});
