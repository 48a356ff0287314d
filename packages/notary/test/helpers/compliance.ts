/** What every NotaryClient must do: over HTTP with LMDB, and in memory. */
import { type CidText, decode, type TwinId } from "@tfgrid/primitives";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { documents, type NotaryClient } from "../../src/index.ts";
import { anInstruction, aSolution } from "./documents.ts";
import { FakeChain, type Person } from "./fake-chain.ts";

export interface Bench {
  readonly client: NotaryClient;
  close(): Promise<void>;
}

const code = (expected: string) => ({ code: expected });
const NOBODY = "bafyreigbtj4x7ip5legnfznufuopl4sg4knzc2cof6duas4b3q2fy6swua" as CidText;

export function notaryCompliance(name: string, open: (chain: FakeChain) => Promise<Bench>): void {
  describe(`notary compliance: ${name}`, () => {
    let chain: FakeChain;
    let bench: Bench;
    let [author, reader, stranger]: Person[] = [];
    beforeEach(async () => {
      chain = new FakeChain();
      [author, reader, stranger] = [chain.person(), chain.person(), chain.person()];
      bench = await open(chain);
    });
    afterEach(() => bench.close());
    const who = (person: Person | undefined): Person => person as Person;
    const read = (cid: CidText, person: Person | undefined) => bench.client.get({ cid, ...who(person) });
    const put = (value: ReturnType<typeof anInstruction>, readers: readonly TwinId[] = []) =>
      bench.client.put({ schema: documents.instruction, value, readers, ...who(author) });

    it("gives a document to its author and readers, with the author's signature, and to nobody else", async () => {
      const value = anInstruction({ solutionId: 1, nodeId: 1 });
      const cid = await put(value, [who(reader).twinId]);
      for (const person of [author, reader]) {
        const found = await read(cid, person);
        expect(decode(documents.instruction, found.bytes, { maxBytes: 10_000 })).toEqual(value);
        expect(found).toMatchObject({ cid, author: who(author).twinId });
        expect(found.signatures.map((one) => one.twinId)).toEqual([who(author).twinId]);
      }
      await expect(read(cid, stranger)).rejects.toMatchObject(code("notary.forbidden"));
      await expect(read(NOBODY, author)).rejects.toMatchObject(code("notary.not_found"));
    });

    it("takes the same document twice, and signatures of those who may read it", async () => {
      const value = anInstruction({ solutionId: 1, nodeId: 1 });
      const cid = await put(value, [who(reader).twinId]);
      expect(await put(value)).toBe(cid);
      await bench.client.sign({ cid, ...who(reader) });
      await bench.client.sign({ cid, ...who(reader) });
      expect((await read(cid, author)).signatures.map((one) => one.twinId)).toEqual([who(author).twinId, who(reader).twinId]);
      await expect(bench.client.sign({ cid, ...who(stranger) })).rejects.toMatchObject(code("notary.forbidden"));
    });

    it("refuses a key that is not the twin's", async () => {
      const cid = await put(anInstruction({ solutionId: 1, nodeId: 1 }));
      const impostor = { signer: who(stranger).keyPair, twinId: who(author).twinId };
      await expect(bench.client.get({ cid, ...impostor })).rejects.toMatchObject(code("notary.unauthorized"));
    });

    it("lets a solution's signers, owner and agent read its accepted and pending document, as long as it lives", async () => {
      const [agent, signer, owner] = [chain.person(), chain.person(), chain.person()];
      const cid = await bench.client.put({
        schema: documents.solutionDocument,
        value: aSolution({ agentTwinId: agent.twinId, signers: [signer.twinId] }),
        readers: [],
        ...who(author),
      });
      await expect(read(cid, signer)).rejects.toMatchObject(code("notary.forbidden"));
      const named = { twinId: owner.twinId, agentTwinId: agent.twinId, signers: [{ twinId: signer.twinId, weight: 1 }] };
      const solution = chain.solution({ ...named, document: cid });
      for (const person of [agent, signer, owner]) {
        expect((await bench.client.get({ cid, solutionId: solution.id, ...person })).cid).toBe(cid);
      }
      await expect(bench.client.get({ cid, solutionId: solution.id, ...who(stranger) })).rejects.toMatchObject(code("notary.forbidden"));
      const pending = { version: 2, document: cid, budgetPerHourUnits: 1n, signedBy: [] };
      chain.solutions.set(solution.id, { ...solution, document: NOBODY, pending });
      expect((await bench.client.get({ cid, solutionId: solution.id, ...signer })).cid).toBe(cid);
      chain.solutions.set(solution.id, { ...solution, state: "cancelled" });
      await expect(bench.client.get({ cid, solutionId: solution.id, ...signer })).rejects.toMatchObject(code("notary.forbidden"));
    });

    it("finds the solution without a hint: by the author's name for it and by an anchor", async () => {
      const [agent, signer] = [chain.person(), chain.person()];
      const value = aSolution({ agentTwinId: agent.twinId, signers: [signer.twinId] });
      const cid = await bench.client.put({ schema: documents.solutionDocument, value, readers: [], ...who(author) });
      const named = { agentTwinId: agent.twinId, signers: [{ twinId: signer.twinId, weight: 1 }], document: cid };
      const own = chain.solution({ ...named, twinId: who(author).twinId });
      expect((await read(cid, signer)).cid).toBe(cid);
      chain.solutions.delete(own.id);
      const other = chain.solution({ ...named, twinId: who(stranger).twinId, name: "another" });
      await expect(read(cid, signer)).rejects.toMatchObject(code("notary.forbidden"));
      chain.anchors.set(cid, { document: cid, author: who(author).twinId, height: 3, timeMs: 5, contractId: null, solutionId: other.id } as never);
      expect((await read(cid, signer)).cid).toBe(cid);
    });

    it("lets the node of the contract, its owner and the agent read an instruction, and no other node", async () => {
      const [nodeTwin, otherNode, owner, agent] = [chain.person(), chain.person(), chain.person(), chain.person()];
      const [nodeId, otherId] = [chain.node(nodeTwin.twinId), chain.node(otherNode.twinId)];
      const solution = chain.solution({ twinId: owner.twinId, agentTwinId: agent.twinId, document: NOBODY });
      const cid = await put(anInstruction({ solutionId: solution.id, nodeId }));
      await expect(read(cid, nodeTwin)).rejects.toMatchObject(code("notary.forbidden"));
      for (let filler = 0; filler < 5; filler += 1) chain.contract({ nodeId, solutionId: solution.id, twinId: owner.twinId, instruction: NOBODY });
      const contract = chain.contract({ nodeId, solutionId: solution.id, twinId: owner.twinId, instruction: cid });
      for (const person of [nodeTwin, owner, agent]) {
        expect((await read(cid, person)).cid).toBe(cid);
        expect((await bench.client.get({ cid, contractId: contract.id, ...person })).cid).toBe(cid);
      }
      const foreign = chain.contract({ nodeId: otherId, twinId: who(stranger).twinId, instruction: NOBODY });
      await expect(bench.client.get({ cid, contractId: foreign.id, ...otherNode })).rejects.toMatchObject(code("notary.forbidden"));
      chain.contracts.set(contract.id, { ...contract, state: "deleted" });
      await expect(bench.client.get({ cid, contractId: contract.id, ...nodeTwin })).rejects.toMatchObject(code("notary.forbidden"));
    });
  });
}
