/** The generated messages under one name. */
export * from "./tendermint/abci/types_pb.js";
export { PublicKeySchema } from "./tendermint/crypto/keys_pb.js";
export { BlockIDFlag } from "./tendermint/types/validator_pb.js";
