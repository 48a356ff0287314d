import type { CidText } from "@tfgrid/primitives";
import { type Anchor, anchor } from "../../types/entities.ts";
import { table } from "../store/table.ts";

export const anchors = table<CidText, Anchor>({ prefix: "anchor", schema: anchor });
