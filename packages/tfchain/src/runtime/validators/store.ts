import { type AccountId, type Hex, bytesToHex, hexToBytes, s, sha256 } from "@tfgrid/primitives";
import { accountId, height } from "../../types/entities.ts";
import { type Misbehaviour, type ValidatorSet, misbehaviour, validatorSet } from "../../types/validators.ts";
import type { StateReader } from "../api.ts";
import { cell, table } from "../store/table.ts";

export const validatorSetCell = cell("meta/validators", validatorSet);
/** Of every validator that ever was: consensus may prove an offence after its validator has left. */
export const validatorKeys = table<Hex, AccountId>({ prefix: "validator-key", schema: accountId });
export const misbehaviours = table<number, Misbehaviour>({ prefix: "misbehaviour", schema: misbehaviour });
/** `ADDRESS/HEIGHT/KIND`: one offence is one record, however often it is reported. */
export const misbehaviourIds = table<string, number>({ prefix: "misbehaviour-by-offence", schema: s.uint({ min: 1 }) });

const NO_SET: ValidatorSet = { validators: [], version: 0, decidedAtHeight: height.fromCbor(0) };
/** Empty when the genesis named nobody: then the engine's own authority makes blocks. */
export const readValidatorSet = (state: StateReader): ValidatorSet => validatorSetCell.get(state) ?? NO_SET;

const ADDRESS_BYTES = 20;
export const validatorAddressOf = (publicKey: AccountId): Hex => bytesToHex(sha256(hexToBytes(publicKey)).subarray(0, ADDRESS_BYTES));
