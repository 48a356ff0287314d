/** How much TFT there is: what the genesis gave, plus what was minted, less what was burned. */
import { s } from "@tfgrid/primitives";
import type { Supply } from "../../types/ledger.ts";
import type { StateReader, StateWriter } from "../api.ts";
import { readConstitution } from "../params/store.ts";
import { cell } from "../store/table.ts";

export const supplyCell = cell("meta/supply", s.struct({ mintedUnits: s.units(), burnedUnits: s.units() }));

export function readSupply(state: StateReader): Supply {
  const genesisUnits = readConstitution(state).supplyUnits;
  const { mintedUnits, burnedUnits } = supplyCell.get(state) ?? { mintedUnits: 0n, burnedUnits: 0n };
  return { genesisUnits, mintedUnits, burnedUnits, totalUnits: genesisUnits + mintedUnits - burnedUnits };
}

export function countMinted(state: StateWriter, units: bigint): void {
  const { mintedUnits, burnedUnits } = readSupply(state);
  supplyCell.put(state, { mintedUnits: mintedUnits + units, burnedUnits });
}

export function countBurned(state: StateWriter, units: bigint): void {
  const { mintedUnits, burnedUnits } = readSupply(state);
  supplyCell.put(state, { mintedUnits, burnedUnits: burnedUnits + units });
}
