/** The explorer's answers (grid proxy shapes and our own fields), as far as the page reads them. */
import type { ConnectOptions } from "@tfgrid/tfchain";

export interface GridCapacity {
  readonly cru: number;
  readonly mru: number;
  readonly sru: number;
  readonly hru: number;
}

interface NodeBase {
  readonly nodeId: number;
  readonly farmId: number;
  readonly farmName: string;
  readonly twinId: number;
  readonly country: string;
  readonly city: string;
  readonly uptime: number;
  readonly created: number;
  readonly updatedAt: number;
  readonly location: { readonly country: string; readonly city: string; readonly longitude: number; readonly latitude: number };
  readonly publicConfig: { readonly domain: string; readonly ipv4: string; readonly ipv6: string };
  readonly status: "up" | "down" | "standby";
  readonly certificationType: string;
  readonly price_usd: number;
  readonly features: readonly string[];
  readonly cpu_milli: { readonly total: number; readonly used: number };
  readonly isolation: readonly string[];
  readonly maintenance: { readonly mode: "none" | "cordon" | "drain"; readonly sinceMs: number; readonly noticeUntilMs: number };
  readonly softwareVersion: string;
  readonly upChangedMs: number;
  readonly lastHeartbeatMs: number;
  readonly contracts: number;
}

export interface NodeRow extends NodeBase {
  readonly total_resources: GridCapacity;
  readonly used_resources: GridCapacity;
}

export interface NodeDetail extends NodeBase {
  readonly capacity: { readonly total_resources: GridCapacity; readonly used_resources: GridCapacity };
  readonly interfaces: readonly { readonly name: string; readonly mac: string; readonly addresses: readonly string[] }[];
  readonly meshEndpoints: readonly { readonly address: string; readonly port: number }[];
  readonly meshKey: string;
}

export interface Stats {
  readonly nodes: number;
  readonly farms: number;
  readonly countries: number;
  readonly twins: number;
  readonly contracts: number;
  readonly gateways: number;
  readonly solutions: number;
  readonly runningSolutions: number;
  readonly nodesDistribution: Readonly<Record<string, number>>;
}

export interface ContractRow {
  readonly contract_id: number;
  readonly twin_id: number;
  readonly state: "Created" | "GracePeriod" | "Deleted";
  readonly created_at: number;
  readonly type: "node" | "name" | "rent";
  readonly details: { readonly nodeId: number; readonly name?: string; readonly farm_name?: string; readonly number_of_public_ips?: number };
  readonly solution_id: number;
  readonly cost_per_hour_units: string;
  readonly billed_units: string;
}

export interface FarmRow {
  readonly farmId: number;
  readonly name: string;
  readonly twinId: number;
  readonly certificationType: string;
  readonly dedicated: boolean;
  readonly publicIps: readonly { readonly ip: string; readonly contract_id: number }[];
}

export interface TwinRow {
  readonly twinId: number;
  readonly accountId: string;
  readonly relay: string;
  readonly publicKey: string;
}

export interface EventRow {
  readonly seq: number;
  readonly height: number;
  readonly timeMs: number;
  readonly type: string;
  readonly code: string;
  readonly level: "good" | "info" | "warn" | "bad";
  readonly sentence: string;
  readonly solutionId: number | null;
  readonly contractId: number | null;
  readonly nodeId: number | null;
}

export interface HeadAnswer {
  readonly chainId: string;
  readonly height: number;
  readonly timeMs: number;
  readonly indexedHeight: number;
  readonly lastSeq: number;
  readonly following: boolean;
}

/** What a browser needs beside the explorer; absent (404) where the operator published nothing. */
export interface PublicGrid {
  readonly chain: Pick<ConnectOptions, "urls" | "trust">;
  readonly notary: readonly string[];
  readonly gateway?: { readonly domain: string; readonly http?: string; readonly https?: string };
  readonly registry?: string;
  readonly agentTwinId?: number;
}
