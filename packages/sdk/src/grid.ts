/** The grid behind one object: the ledger at once, notary and messaging when first used. */
import { chainTwinResolver, connectMessenger, type Messenger, messagingErrors } from "@tfgrid/messaging";
import { connectNotary, type NotaryClient } from "@tfgrid/notary";
import { type KeyPair, type Logger, silentLogger, type TwinId } from "@tfgrid/primitives";
import { type ChainAccess, type ChainClient, connectChain } from "@tfgrid/tfchain";
import { sdkErrors } from "./errors.ts";

export interface ConnectGridOptions {
  /** Servers of one chain: the first is asked first, the others when it fails. */
  readonly chainUrls: readonly string[];
  /** What the client believes without asking: answers are proven against headers that it leads to. */
  readonly trust: ChainAccess["trust"];
  /** Servers of other operators: each new header is compared with theirs. */
  readonly witnesses?: readonly string[];
  readonly notaryUrls: readonly string[];
  readonly relays: readonly string[];
  /** Needed for messaging only; every write names its signer. */
  readonly keyPair?: KeyPair;
  readonly logger?: Logger;
}

export interface Grid {
  readonly chain: ChainClient;
  readonly notary: NotaryClient;
  /** The twin of `keyPair`. @throws GridError sdk.no_key, sdk.no_twin */
  twinId(): Promise<TwinId>;
  /** Connected on first use and kept. @throws GridError sdk.no_key, sdk.no_twin, messaging.* */
  messenger(): Promise<Messenger>;
  close(): Promise<void>;
}

export function connectGrid(options: ConnectGridOptions): Grid {
  const { logger = silentLogger, keyPair } = options;
  const chain = connectChain({ urls: options.chainUrls, trust: options.trust, witnesses: options.witnesses ?? [], logger });
  let notary: NotaryClient | undefined;
  let messenger: Promise<Messenger> | undefined;
  const twinId = async (): Promise<TwinId> => {
    if (keyPair === undefined) throw sdkErrors.fail("sdk.no_key");
    const twin = await chain.proven.twinByAccount(keyPair.account);
    if (twin === undefined) throw sdkErrors.fail("sdk.no_twin", { details: { account: keyPair.account } });
    return twin.id;
  };
  const connect = async (): Promise<Messenger> => {
    const id = await twinId();
    if (keyPair === undefined) throw sdkErrors.fail("sdk.no_key");
    if (options.relays.length === 0) throw messagingErrors.fail("messaging.not_connected", { message: "No relay is configured." });
    const opened = await connectMessenger({ keyPair, twinId: id, relays: options.relays, resolve: chainTwinResolver(chain.proven), logger });
    await opened.ready(AbortSignal.timeout(READY_MS)).catch(async (cause: unknown) => {
      await opened.stop();
      throw messagingErrors.fail("messaging.not_connected", { cause });
    });
    return opened;
  };
  return {
    chain,
    get notary() {
      return (notary ??= connectNotary({ urls: options.notaryUrls, chain: chain.proven }));
    },
    twinId,
    messenger: async () => {
      messenger ??= connect();
      try {
        return await messenger;
      } catch (error) {
        // The next use tries anew.
        messenger = undefined;
        throw error;
      }
    },
    close: async () => {
      const opened = await messenger?.catch(() => undefined);
      await opened?.stop();
      await chain.close();
    },
  };
}

/** The first relay answers within this time, or the caller is told. */
const READY_MS = 10_000;
