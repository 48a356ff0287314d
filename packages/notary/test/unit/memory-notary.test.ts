import { memoryNotary } from "../../src/index.ts";
import { notaryCompliance } from "../helpers/compliance.ts";

notaryCompliance("in memory", async (chain) => ({ client: memoryNotary({ chain: chain.reader() }), close: async () => undefined }));
