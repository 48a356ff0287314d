/** `node packages/tfchain/test/generate/chain.ts`: writes vectors/chain.json anew. Only for a change of the ledger's format or rules. */
import { writeFileSync } from "node:fs";
import { recordedChain } from "../../src/engines/index.ts";
import { recordHistory } from "../support/recording-chain.ts";

const about =
  "A chain of random users: genesis, then blocks with their time (ms) and transactions (canonical DAG-CBOR, hex), and the root of the state after each (appHash). Whoever carries them out comes to these hashes.";
const { genesis, genesisAppHash, blocks } = recordHistory({ randomBlocks: 36, seed: 3 });
const json = recordedChain.toJson({ about, genesis, genesisAppHash, blocks }) as { blocks: unknown[] };
const lines = json.blocks.map((block) => `    ${JSON.stringify(block)}`).join(",\n");
const head = JSON.stringify({ ...json, blocks: [] }, undefined, 2).replace('"blocks": []', `"blocks": [\n${lines}\n  ]`);
writeFileSync(new URL("../../vectors/chain.json", import.meta.url), `${head}\n`);
