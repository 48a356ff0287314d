import { simulatedNetwork } from "../../src/simulated.ts";
import { networkDriverCompliance } from "../helpers/compliance.ts";

networkDriverCompliance("the simulated driver", async () => ({
  driver: simulatedNetwork({ portRange: { first: 51_800, last: 51_999 } }),
  stop: async () => undefined,
}));
