export { type ConnectOptions, connectChain } from "./client.ts";
