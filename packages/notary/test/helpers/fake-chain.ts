/** A ledger in memory with just what the notary reads; every read can be made to fail. */
import { type CidText, type ContractId, generateKeyPair, type KeyPair, type NodeId, type SolutionId, systemEntropy, type TwinId } from "@tfgrid/primitives";
import type { Anchor, chain as types, ChainReader, Contract, Head, Node, Solution, Twin } from "@tfgrid/tfchain";

type NodeContract = types.NodeContract;

export interface Person {
  readonly keyPair: KeyPair;
  readonly twinId: TwinId;
  readonly signer: KeyPair;
}

export class FakeChain {
  readonly twins = new Map<TwinId, Twin>();
  readonly solutions = new Map<SolutionId, Solution>();
  readonly contracts = new Map<ContractId, Contract>();
  readonly nodes = new Map<NodeId, Node>();
  readonly anchors = new Map<CidText, Anchor>();
  down = false;
  head = { chainId: "test", height: 10, timeMs: 0, appHash: "", blockHash: "" } as unknown as Head;
  private next = 1;

  person(): Person {
    const keyPair = generateKeyPair(systemEntropy);
    const twinId = this.next++ as TwinId;
    this.twins.set(twinId, { id: twinId, account: keyPair.account, relays: [], encryptionKey: keyPair.encryptionKey, createdAtMs: 0 });
    return { keyPair, twinId, signer: keyPair };
  }

  solution(part: Partial<Solution>): Solution {
    const id = this.next++ as SolutionId;
    const solution = { id, name: "guestbook", state: "accepted", signers: [], pending: null, ...part } as Solution;
    this.solutions.set(id, solution);
    return solution;
  }

  node(twinId: TwinId): NodeId {
    const id = this.next++ as NodeId;
    this.nodes.set(id, { id, twinId } as Node);
    return id;
  }

  contract(part: Partial<NodeContract>): NodeContract {
    const id = this.next++ as ContractId;
    const contract = { type: "node", id, state: "created", solutionId: null, ...part } as NodeContract;
    this.contracts.set(id, contract);
    return contract;
  }

  reader(): ChainReader {
    const read = async <T>(answer: () => T): Promise<T> => {
      if (this.down) throw new Error("the chain is down");
      return answer();
    };
    const page = <T extends { readonly id: number }>(rows: Iterable<T>, after = 0): T[] => [...rows].filter((row) => row.id > after).slice(0, 2);
    const reader: Partial<ChainReader> = {
      head: () => read(() => this.head),
      twin: (id) => read(() => this.twins.get(id)),
      solution: (id) => read(() => this.solutions.get(id)),
      solutionByName: (twinId, name) =>
        read(() => [...this.solutions.values()].find((one) => one.twinId === twinId && one.name === name && one.state !== "cancelled")),
      contract: (id) => read(() => this.contracts.get(id)),
      node: (id) => read(() => this.nodes.get(id)),
      anchor: (cid) => read(() => this.anchors.get(cid)),
      solutions: (options) => read(() => page(this.solutions.values(), options?.after)),
      contracts: (options) =>
        read(() => {
          const wanted = (one: Contract): boolean =>
            (options?.nodeId === undefined || (one.type === "node" && one.nodeId === options.nodeId)) &&
            (options?.solutionId === undefined || one.solutionId === options.solutionId) &&
            (options?.active !== true || one.state !== "deleted");
          return page([...this.contracts.values()].filter(wanted), options?.after);
        }),
    };
    return reader as ChainReader;
  }
}
