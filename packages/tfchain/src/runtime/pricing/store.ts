import { type Pricing, pricing } from "../../types/entities.ts";
import type { StateReader } from "../api.ts";
import { must } from "../params/store.ts";
import { cell } from "../store/table.ts";

export const pricingCell = cell("meta/pricing", pricing);
export const readPricing = (state: StateReader): Pricing => must(pricingCell.get(state), "pricing");
