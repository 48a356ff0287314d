/** A ledger in memory with just what the notary reads; every read can be made to fail. */
import { type CidText, type ContractId, generateKeyPair, type KeyPair, type NodeId, type SolutionId, systemEntropy, type TwinId } from "@tfgrid/primitives";
import type { Anchor, chain as types, ChainReader, Contract, Head, Node, Solution, Twin } from "@tfgrid/tfchain";
import type { NotaryChain } from "../../src/index.ts";

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
  /** Lists and unproven reads show nothing, as those of a server that lies. */
  liar = false;
  /** What the newest signed header proves: nothing younger than `behind` blocks until it is asked for. */
  behind = 0;
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

  reader(): ChainReader & NotaryChain {
    const proven = this.readerOf(true);
    const height = (): number => this.head.height - this.behind;
    /** Asking for a height waits until it is provable. */
    const fresh = (options?: { readonly atLeast?: number | undefined }): void => {
      if ((options?.atLeast ?? 0) > height()) this.behind = 0;
    };
    return {
      ...this.readerOf(false),
      proven: {
        twin: (id, options) => (fresh(options), proven.twin(id)),
        solution: (id, options) => (fresh(options), proven.solution(id)),
        solutionByName: (twinId, name, options) => (fresh(options), proven.solutionByName(twinId, name)),
        contract: (id, options) => (fresh(options), proven.contract(id)),
        contracts: (page, options) => (fresh(options), proven.contracts(page)),
        node: (id, options) => (fresh(options), proven.node(id)),
        anchor: (cid, options) => (fresh(options), proven.anchor(cid)),
      },
    };
  }

  private readerOf(proven: boolean): ChainReader {
    const read = async <T>(answer: () => T): Promise<T> => {
      if (this.down) throw new Error("the chain is down");
      return answer();
    };
    // Made a moment ago: a signed header does not prove it yet.
    const known = <T>(value: T): T | undefined => ((proven ? this.behind > 0 : this.liar) ? undefined : value);
    const page = <T extends { readonly id: number }>(rows: Iterable<T>, after = 0): T[] => [...rows].filter((row) => row.id > after).slice(0, 2);
    const reader: Partial<ChainReader> = {
      head: () => read(() => this.head),
      twin: (id) => read(() => known(this.twins.get(id))),
      solution: (id) => read(() => known(this.solutions.get(id))),
      solutionByName: (twinId, name) =>
        read(() => known([...this.solutions.values()].find((one) => one.twinId === twinId && one.name === name && one.state !== "cancelled"))),
      contract: (id) => read(() => known(this.contracts.get(id))),
      node: (id) => read(() => this.nodes.get(id)),
      anchor: (cid) => read(() => this.anchors.get(cid)),
      solutions: (options) => read(() => page(this.liar ? [] : this.solutions.values(), options?.after)),
      contracts: (options) =>
        read(() => {
          const wanted = (one: Contract): boolean =>
            (options?.nodeId === undefined || (one.type === "node" && one.nodeId === options.nodeId)) &&
            (options?.solutionId === undefined || one.solutionId === options.solutionId) &&
            (options?.active !== true || one.state !== "deleted");
          return page(this.liar ? [] : [...this.contracts.values()].filter(wanted), options?.after);
        }),
    };
    return reader as ChainReader;
  }
}
