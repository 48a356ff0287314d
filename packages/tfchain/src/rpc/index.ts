export { type MethodName, type Methods, methods, openRpc } from "./methods.ts";
export { type RpcOptions, type RpcServer, startRpc } from "./server.ts";
