/** Drivers of the machine: what runs zmachines and keeps their volumes, for real and in memory. */
export { type Capacity, type CapacityOptions, detectCapacity } from "./compute/capacity.ts";
export { computeErrors } from "./compute/errors.ts";
export { DEFAULT_ID_RANGE, hostIdBase, type IdRangeOptions } from "./compute/idmap.ts";
export { linuxCompute, type LinuxCompute, type LinuxComputeOptions } from "./compute/linux.ts";
export { storageErrors } from "./storage/errors.ts";
export { linuxStorage, type LinuxStorage, type LinuxStorageOptions } from "./storage/linux.ts";
export {
  simulatedCompute,
  type SimulatedCompute,
  type SimulatedComputeFaults,
  type SimulatedComputeOptions,
  type SimulatedProgram,
} from "./simulated/compute.ts";
export { simulatedStorage, type SimulatedStorage, type SimulatedStorageOptions } from "./simulated/storage.ts";
