/** Keys in Consul KV that decide who trades and where users land; siblings below one folder a namespace. */
import { CUTOVER_KEYS } from "./services";

export interface KvPaths {
  readonly workerOwner: string;
  readonly workerLease: string;
  readonly traffic: string;
  readonly sections: string;
  /** Folder of the cutover's evidence, one key a gate. */
  readonly evidence: string;
}

export function kvPaths(namespace: string): KvPaths {
  return {
    workerOwner: `${namespace}/${CUTOVER_KEYS.workerOwner}`,
    workerLease: `${namespace}/${CUTOVER_KEYS.workerLease}`,
    traffic: `${namespace}/${CUTOVER_KEYS.traffic}`,
    sections: `${namespace}/${CUTOVER_KEYS.sections}`,
    evidence: `${namespace}/evidence`,
  };
}
