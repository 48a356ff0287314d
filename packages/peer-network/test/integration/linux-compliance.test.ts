import { networkDriverCompliance } from "../helpers/compliance.ts";
import { type Machine, startLab } from "../helpers/lab.ts";

networkDriverCompliance("the Linux driver", async () => {
  const lab = await startLab(1);
  return { driver: (lab.machines[0] as Machine).driver, stop: () => lab.stop() };
});
