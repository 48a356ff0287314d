export { type ConnectOptions, connectChain } from "./client.ts";
export { allRows, pagesOf } from "./pages.ts";
