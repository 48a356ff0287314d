/** What the ledger holds. Every entity is one schema: state value (DAG-CBOR), RPC answer (JSON) and TypeScript type. */
import {
  type AccountId,
  type CidText,
  type ContractId,
  type FarmId,
  type Height,
  type Hex,
  type Infer,
  type NodeId,
  type Schema,
  type SolutionId,
  type TwinId,
  s,
} from "@tfgrid/primitives";

export const LIMITS = {
  /** A DNS label, so that a name contract is a host name (RFC 1035 section 2.3.1). */
  nameLength: 63,
  /** Relays a twin may list: enough for failover, small enough for one state value. */
  relaysPerTwin: 4,
  /** Public addresses of one farm: a /24, and they are one state value. */
  publicIpsPerFarm: 256,
  /** Network interfaces that a node names. */
  interfacesPerNode: 16,
  /** Addresses that a node names for one interface. */
  addressesPerInterface: 16,
  /** zmachines in one node contract: bounds the size of a report (about 200 bytes each). */
  zmachinesPerContract: 64,
  /** Private networks on one node for one contract: each costs the node a namespace and a UDP port. */
  networksPerContract: 8,
  /** Signers of one solution: they are listed in its state value and in every pending change. */
  signersPerSolution: 32,
  /** Devices of people in the private networks of one solution: every node of it holds each as a WireGuard peer. */
  membersPerSolution: 64,
  /** Node and name contracts of one solution: bounds the work of cancelling it. */
  partsPerSolution: 256,
  /** Characters of a message for people that is kept in state. */
  messageLength: 500,
  /** Characters of an error code that is kept in state. */
  codeLength: 64,
} as const;

const id = <T>(): Schema<T> => s.as<T>(s.uint({ min: 1 }));
export const twinId = id<TwinId>();
export const farmId = id<FarmId>();
export const nodeId = id<NodeId>();
export const contractId = id<ContractId>();
export const solutionId = id<SolutionId>();
export const height = s.as<Height>(s.uint());
export const accountId = s.as<AccountId>(s.hex({ length: 32 }));
export const key32 = s.hex({ length: 32 });
/** Lower-case letters, digits and inner hyphens: a DNS label. */
export const label = s.text({ minLength: 1, maxLength: LIMITS.nameLength, pattern: /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/ });
export const timeMs = s.uint();
export const code = s.text({ maxLength: LIMITS.codeLength, pattern: /^[a-z0-9_]+(\.[a-z0-9_]+)*$/ });
export const message = s.text({ maxLength: LIMITS.messageLength });
const country = s.text({ minLength: 2, maxLength: 60 });
export const ipText = s.text({ minLength: 2, maxLength: 49, pattern: /^[0-9a-fA-F.:]+(\/\d{1,3})?$/ });
const port = s.uint({ min: 1, max: 65_535 });

export const resources = s.struct({ cpuMilli: s.uint({ max: 4_096_000 }), memoryBytes: s.uint(), ssdBytes: s.uint(), hddBytes: s.uint() });

export const account = s.struct({
  id: accountId,
  freeUnits: s.units(),
  /** Held in escrow of contracts, solutions and stake: not spendable, never created or lost. */
  heldUnits: s.units(),
  /** The next transaction must carry exactly this number. */
  nonce: s.uint(),
});
export type Account = Infer<typeof account>;

export const twin = s.struct({
  id: twinId,
  account: accountId,
  relays: s.list(s.text({ maxLength: 200 }), { max: LIMITS.relaysPerTwin }),
  /** X25519 key for sealed boxes. */
  encryptionKey: key32,
  createdAtMs: timeMs,
});
export type Twin = Infer<typeof twin>;

/** What a farm asks for its nodes, in percent of the ledger's prices. 100 and null: the ledger's own. */
export const farmTerms = s.struct({
  /** Of processors, memory and disks. */
  computePercent: s.uint({ min: 1, max: 1_000 }),
  ipv4Percent: s.uint({ min: 1, max: 1_000 }),
  trafficPercent: s.uint({ min: 1, max: 1_000 }),
  /** Off the price of a whole node; null: `policy.rentDiscountPercent`. */
  rentDiscountPercent: s.nullable(s.uint({ max: 100 })),
});
export type FarmTerms = Infer<typeof farmTerms>;
export const farmPricing = s.struct({
  terms: farmTerms,
  /** Announced: dearer in something, and in force from then on. */
  next: s.nullable(s.struct({ terms: farmTerms, fromMs: timeMs })),
});
export type FarmPricing = Infer<typeof farmPricing>;

export const farm = s.struct({
  id: farmId,
  twinId,
  name: label,
  dedicated: s.bool,
  certification: s.oneOf(["not_certified", "gold"]),
  publicIps: s.list(s.struct({ ip: ipText, gateway: ipText, contractId: s.nullable(contractId) }), { max: LIMITS.publicIpsPerFarm }),
  createdAtMs: timeMs,
  /** Absent: the ledger's prices. */
  pricing: s.optional(farmPricing),
});
export type Farm = Infer<typeof farm>;

export const location = s.struct({
  country,
  city: s.text({ maxLength: 80 }),
  latitudeMicro: s.int({ min: -90_000_000, max: 90_000_000 }),
  longitudeMicro: s.int({ min: -180_000_000, max: 180_000_000 }),
});
export const nodeInterface = s.struct({
  name: s.text({ maxLength: 15 }),
  mac: s.text({ maxLength: 17 }),
  addresses: s.list(ipText, { max: LIMITS.addressesPerInterface }),
});
/** Present only on nodes that serve as web gateway or have public addresses. */
export const publicConfig = s.struct({
  ipv4: s.optional(ipText),
  ipv6: s.optional(ipText),
  domain: s.optional(s.text({ maxLength: 253 })),
});
/** Where other nodes reach this node's peer-network socket. */
export const meshEndpoint = s.struct({ address: ipText, port });
export const maintenance = s.struct({
  /** `cordon`: no new contracts; `drain`: agents move what runs there. */
  mode: s.oneOf(["none", "cordon", "drain"]),
  sinceMs: timeMs,
  /** Announced in advance: reputation suffers less. */
  noticeUntilMs: timeMs,
});
export const POWER_STATES = ["up", "down"] as const;
export const power = s.struct({
  /** What the farmer wants. */
  target: s.oneOf(POWER_STATES),
  targetSinceMs: timeMs,
  /** `down`: the node said that it switches itself off, and has not been heard since. */
  state: s.oneOf(POWER_STATES),
  stateSinceMs: timeMs,
});
export type Power = Infer<typeof power>;
export const ISOLATION_CLASSES = ["container", "microvm"] as const;

/** What a node says of itself when it registers, and may change later. */
export const nodeProfile = {
  total: resources,
  location,
  interfaces: s.list(nodeInterface, { max: LIMITS.interfacesPerNode }),
  publicConfig: s.optional(publicConfig),
  /** WireGuard public key used in every private network on this node; the private half never leaves it. */
  meshKey: key32,
  meshEndpoints: s.list(meshEndpoint, { max: 4 }),
  isolation: s.list(s.oneOf(ISOLATION_CLASSES), { max: 4 }),
  softwareVersion: s.text({ maxLength: 32 }),
} as const;

export const node = s.struct({
  id: nodeId,
  farmId,
  twinId,
  ...nodeProfile,
  reserved: resources,
  certification: s.oneOf(["diy", "certified"]),
  maintenance,
  /** Set by the ledger from heartbeats: `up` until two intervals have passed without one. */
  up: s.bool,
  lastHeartbeatMs: timeMs,
  /** When `up` last changed. */
  upChangedMs: timeMs,
  uptimeSec: s.uint(),
  createdAtMs: timeMs,
  /** Absent: never asked to be anything but on. */
  power: s.optional(power),
});
export type Node = Infer<typeof node>;

export const ZMACHINE_STATES = [
  "waiting",
  "pulling",
  "starting",
  "running",
  "healthy",
  "unhealthy",
  "restarting",
  "exited",
  "failed",
  "stopped",
] as const;
export const REPORT_STATES = ["preparing", "running", "degraded", "failed", "paused", "removed"] as const;

/** A node's word on one contract, signed as every transaction is. Free of fee within a rate limit. */
export const report = s.struct({
  /** Contract version that is applied on the node. */
  version: s.uint(),
  state: s.oneOf(REPORT_STATES),
  code: s.optional(code),
  message: s.optional(message),
  /** UDP port of this node's WireGuard socket per private network. */
  networks: s.list(s.struct({ name: label, port }), { max: LIMITS.networksPerContract }),
  zmachines: s.list(
    s.struct({
      name: label,
      service: label,
      state: s.oneOf(ZMACHINE_STATES),
      startedAtMs: timeMs,
      restarts: s.uint(),
      addresses: s.list(s.struct({ network: label, ip: ipText }), { max: LIMITS.networksPerContract }),
      /** Aliases by which others in the network find it, beside its service name. */
      aliases: s.list(label, { max: 8 }),
      code: s.optional(code),
      message: s.optional(message),
    }),
    { max: LIMITS.zmachinesPerContract },
  ),
  /** Host names that a gateway node serves for this contract. */
  routes: s.list(s.struct({ host: s.text({ maxLength: 253 }), backends: s.uint(), code: s.optional(code), message: s.optional(message) }), {
    max: 32,
  }),
});
export type Report = Infer<typeof report>;

/** Of a contract: what it costs and has cost. */
export const contractMoney = {
  costPerHourUnits: s.units(),
  /** Billed so far, in full. */
  billedUnits: s.units(),
  settledAtMs: timeMs,
  /** Prepaid money of a contract outside a solution. */
  escrowUnits: s.units(),
} as const;

const contractBase = {
  id: contractId,
  /** Owner: the twin that pays; for parts of a solution the solution's owner. */
  twinId,
  /** Parts of a solution are made and changed by its agent only. */
  solutionId: s.nullable(solutionId),
  state: s.oneOf(["created", "grace", "deleted"]),
  createdAtMs: timeMs,
  deletedAtMs: s.nullable(timeMs),
  /** Why it ended: `canceled_by_owner`, `canceled_by_agent`, `solution_cancelled`, `out_of_funds`, `node_deleted`, `rent_ended`. */
  deletedCause: s.nullable(code),
  ...contractMoney,
} as const;

/** Which /24 of the private network's /16 this node serves: `10.x.INDEX.0/24`. */
export const networkShare = s.struct({ name: label, cidr: ipText, subnetIndex: s.uint({ min: 1, max: 254 }) });

export const nodeContract = s.struct({
  ...contractBase,
  nodeId,
  /** Grows by one with every update; a node applies only the newest. */
  version: s.uint({ min: 1 }),
  /** The node's instruction in the digital notary. */
  instruction: s.cid,
  resources,
  publicIps: s.uint({ max: 16 }),
  networks: s.list(networkShare, { max: LIMITS.networksPerContract }),
  report: s.nullable(report),
  reportedAtMs: timeMs,
});
export const nameContract = s.struct({
  ...contractBase,
  name: label,
  /** The gateway node that serves NAME.DOMAIN. */
  gatewayNodeId: nodeId,
});
/** A whole node for its owner and the agents of the owner's solutions. */
export const rentContract = s.struct({ ...contractBase, nodeId });
export const contract = s.union({ node: nodeContract, name: nameContract, rent: rentContract });
export type Contract = Infer<typeof contract>;
export type NodeContract = Extract<Contract, { type: "node" }>;
export type RentContract = Extract<Contract, { type: "rent" }>;
export type NameContract = Extract<Contract, { type: "name" }>;

export const signer = s.struct({ twinId, weight: s.uint({ min: 1, max: 1000 }) });
export const thresholds = s.struct({ provision: s.uint({ min: 1 }), amend: s.uint({ min: 1 }), delete: s.uint({ min: 1 }) });
/**
 * `proposed`: signatures missing; `accepted`: agent may act; `running`/`degraded`/`failed`: the agent's word;
 * `paused`: out of money; `cancelled`: ended, parts deleted, deposit returned.
 */
export const SOLUTION_STATES = ["proposed", "accepted", "deploying", "running", "degraded", "failed", "paused", "cancelled"] as const;
/** A user's device that joined a private network of the solution with a WireGuard app. */
export const member = s.struct({ name: label, twinId, network: label, publicKey: key32, ip: ipText });
export const solution = s.struct({
  id: solutionId,
  name: label,
  twinId,
  agentTwinId: twinId,
  signers: s.list(signer, { max: LIMITS.signersPerSolution, min: 1 }),
  thresholds,
  /** Accepted version; 0 while the first one still lacks signatures. */
  version: s.uint(),
  document: s.cid,
  /** A change that waits for signatures: a new version, or deletion (document null). */
  pending: s.nullable(
    s.struct({
      version: s.uint(),
      document: s.nullable(s.cid),
      budgetPerHourUnits: s.units(),
      signedBy: s.list(twinId, { max: LIMITS.signersPerSolution }),
    }),
  ),
  budgetPerHourUnits: s.units(),
  /** Prepaid money that its parts draw on. */
  escrowUnits: s.units(),
  state: s.oneOf(SOLUTION_STATES),
  /** The agent's last word: why it waits or failed, and what to do. */
  note: s.nullable(s.struct({ code, message, atMs: timeMs })),
  parts: s.list(contractId, { max: LIMITS.partsPerSolution }),
  members: s.list(member, { max: LIMITS.membersPerSolution }),
  createdAtMs: timeMs,
});
export type Solution = Infer<typeof solution>;

export const anchor = s.struct({
  document: s.cid,
  author: twinId,
  height,
  timeMs,
  contractId: s.nullable(contractId),
  solutionId: s.nullable(solutionId),
});
export type Anchor = Infer<typeof anchor>;

/** Prices in millionths of a US dollar; cloud units per hour. Conversion to TFT uses `tftPriceMicroUsd`. */
export const pricing = s.struct({
  cuMicroUsdPerHour: s.uint(),
  suMicroUsdPerHour: s.uint(),
  nuMicroUsdPerGb: s.uint(),
  ipv4MicroUsdPerHour: s.uint(),
  nameMicroUsdPerHour: s.uint(),
  certifiedPercent: s.uint({ max: 1000 }),
  /** Price of 1 TFT in millionths of a US dollar. */
  tftPriceMicroUsd: s.uint({ min: 1 }),
});
export type Pricing = Infer<typeof pricing>;

export const params = s.struct({
  /** Fee of a transaction, beside its size: spam costs its sender. */
  feeBaseUnits: s.units(),
  /** Fee of one byte of a transaction. */
  feePerByteUnits: s.units(),
  /** A node says this often that it is there; after two intervals without a word it counts as down. */
  heartbeatIntervalMs: s.uint({ min: 100 }),
  /** Contracts are billed this often; a deposit must cover one interval. */
  settlementIntervalMs: s.uint({ min: 100 }),
  /** A contract that is out of money ends after this. */
  graceMs: s.uint(),
  /** Free heartbeats and reports of one node in a minute; more cost the fee. */
  reportsPerMinute: s.uint({ min: 1 }),
  /** Bytes of one signed transaction. */
  maxTxBytes: s.uint({ min: 1024 }),
  /** Calls of one batch; the encoding itself allows 256. */
  maxCallsPerTx: s.uint({ min: 1 }),
});
export type Params = Infer<typeof params>;

export const head = s.struct({ chainId: s.text({ maxLength: 64 }), height, timeMs, appHash: key32, blockHash: key32 });
export type Head = Infer<typeof head>;
export type { AccountId, CidText, ContractId, FarmId, Height, Hex, NodeId, SolutionId, TwinId };
